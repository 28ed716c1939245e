/**
 * The broker's options: one table of type, default, limits and reason.
 *
 * `parseSettings` checks what an embedder hands over, before anything is opened,
 * and gives the frozen object that every part of the broker reads. Names end
 * in their unit. Where Kafka has a setting of the same meaning, the comment
 * names it, and the default is Kafka's unless it says why not.
 */
import { BrokerError } from "./errors.ts";

interface NumberOption {
  readonly default: number;
  readonly min: number;
  readonly max: number;
}

const INT32_MAX = 2 ** 31 - 1;
const KIB = 1024;
const MIB = 1024 * KIB;

/** Numbers, with their limits (both inclusive). */
const numbers = {
  /** Kafka's `node.id`. Stays what it was when the directory was made. */
  nodeId: { default: 1, min: 0, max: INT32_MAX },
  /** Kafka's `num.partitions`: for topics created without a count, and by auto-creation. */
  defaultPartitionCount: { default: 1, min: 1, max: 100_000 },
  /** One topic may not take more: a create request is answered before memory is. */
  partitionCountMax: { default: 100_000, min: 1, max: 1_000_000 },
  /** Kafka's `offsets.topic.num.partitions`; 1 and not 50, so that one sync serves all groups. */
  offsetsPartitionCount: { default: 1, min: 1, max: 1_000 },
  /** Kafka's `socket.request.max.bytes`: a longer frame closes the connection. */
  frameSizeBytesMax: { default: 100 * MIB, min: 64 * KIB, max: INT32_MAX },
  /** Connections beyond this are closed as soon as they are accepted. Less where descriptors are few. */
  connectionsMax: { default: 10_000, min: 1, max: 1_000_000 },
  /** Kafka's `connections.max.idle.ms`: silence for so long, half a frame or none, ends a connection. */
  connectionIdleMsMax: { default: 600_000, min: 1_000, max: INT32_MAX },
  /** Requests of one connection that are read but not yet answered. */
  requestsInFlightMax: { default: 100, min: 1, max: 10_000 },
  /** Frames that are being received or processed, over all connections; reading stops above it. */
  receivedSizeBytesMax: { default: 256 * MIB, min: 1 * MIB, max: 2 ** 40 },
  /** Answers of one connection that its peer has not taken yet; its requests wait above it. */
  queuedSizeBytesMax: { default: 32 * MIB, min: 64 * KIB, max: 2 ** 40 },
  /** Kafka's `fetch.max.bytes` on the broker's side: the most that one fetch answers. */
  fetchSizeBytesMax: { default: 55 * MIB, min: 1 * KIB, max: INT32_MAX },
  /** Kafka's `group.initial.rebalance.delay.ms`; 0 as in its shipped configuration. */
  groupInitialRebalanceDelayMs: { default: 0, min: 0, max: 600_000 },
  /** Kafka's `group.min.session.timeout.ms`. */
  groupSessionTimeoutMsMin: { default: 6_000, min: 1, max: INT32_MAX },
  /** Kafka's `group.max.session.timeout.ms`. */
  groupSessionTimeoutMsMax: { default: 1_800_000, min: 1, max: INT32_MAX },
  /** Kafka's `group.max.size` is unbounded; a stranger must not fill the memory. */
  groupSizeMax: { default: 10_000, min: 1, max: INT32_MAX },
  /** Kafka's `offset.metadata.max.bytes`. */
  offsetMetadataSizeBytesMax: { default: 4_096, min: 0, max: 1 * MIB },
  /** Kafka's `offsets.retention.minutes` (7 days), in ms. */
  offsetsRetentionMs: {
    default: 7 * 24 * 3_600_000,
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
  },
  /** Kafka's `log.retention.check.interval.ms`: between two looks at which segments are too old or too many. */
  retentionCheckIntervalMs: { default: 300_000, min: 1, max: INT32_MAX },
  /** Kafka's `log.cleaner.backoff.ms`: between two looks at which logs are worth compacting. */
  compactionCheckIntervalMs: { default: 15_000, min: 1, max: INT32_MAX },
  /** Kafka's `log.cleaner.dedupe.buffer.size`: for the keys of the log that is being compacted; with more keys it takes more passes. */
  compactionKeyMapSizeBytesMax: {
    default: 128 * MIB,
    min: 1 * MIB,
    max: INT32_MAX,
  },
  /** What the records of one batch may inflate to when they are compacted; a larger batch stays as it is. */
  compactionInflatedSizeBytesMax: {
    default: 16 * MIB,
    min: 1 * MIB,
    max: INT32_MAX,
  },
  /** Kafka's `log.cleaner.io.max.bytes.per.second`, read and written together; not unlimited, as there is one thread. */
  compactionSizeBytesPerSecondMax: {
    default: 64 * MIB,
    min: 64 * KIB,
    max: 2 ** 40,
  },
  /** Kafka's `producer.id.expiration.ms`. */
  producerIdExpirationMs: { default: 86_400_000, min: 1, max: INT32_MAX },
  /** Bytes of segments mapped at a time. */
  mappedSizeBytesMax: { default: 256 * MIB, min: 0, max: 2 ** 40 },
  /** Files held open at a time by all partitions; at most half of the process's descriptors. */
  openFilesMax: { default: 512, min: 16, max: 1_000_000 },
} as const satisfies Record<string, NumberOption>;

/** Words, with what is allowed; the first is the default. */
const words = {
  /** What acks = -1 waits for. `page-cache` is what a Kafka with one replica promises. */
  acksAll: ["disk", "page-cache"],
  /** `durable`: consumers see a record only once it is on the disk. */
  visibility: ["page-cache", "durable"],
  /** How fetched bytes travel from file to socket. */
  transfer: ["mapped", "stream", "plain"],
} as const satisfies Record<string, readonly string[]>;

/** Switches. */
const switches = {
  /** Kafka's `auto.create.topics.enable`. */
  autoCreateTopics: true,
  /** Takes in partition directories that the catalog does not know. */
  adoptDirectories: false,
} as const satisfies Record<string, boolean>;

type NumberName = keyof typeof numbers;
type WordName = keyof typeof words;
type SwitchName = keyof typeof switches;

export type Settings = {
  readonly [N in NumberName]: number;
} & { readonly [N in WordName]: (typeof words)[N][number] } & {
  readonly [N in SwitchName]: boolean;
};

/** Where to accept connections, and what to tell clients about it. */
export interface ListenOptions {
  /** Default: 127.0.0.1 and ::1. */
  readonly host?: string;
  /** 0 lets the system pick. */
  readonly port: number;
  /** The address that clients are told to connect to; default: the one listened on. */
  readonly advertise?: { readonly host: string; readonly port?: number };
}

/** Anything with these four takes the broker's log lines. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export function parseSettings(input: object): Settings {
  const given = new Map<string, unknown>(Object.entries(input));
  const settings: Record<string, unknown> = {};
  for (const [name, rule] of Object.entries(numbers)) {
    settings[name] = parseNumber(name, rule, given.get(name));
  }
  for (const [name, allowed] of Object.entries(words)) {
    settings[name] = parseWord(name, allowed, given.get(name));
  }
  for (const [name, standard] of Object.entries(switches)) {
    settings[name] = parseSwitch(name, standard, given.get(name));
  }
  for (const [name, value] of given) {
    if (value !== undefined && !Object.hasOwn(settings, name)) {
      const names = Object.keys(settings).toSorted().join(", ");
      throw invalid(`there is no option ${name}; there are ${names}`);
    }
  }
  return Object.freeze(settings) as Settings;
}

/** For what is open besides files of partitions and connections: the lock, listeners, checkpoints, standard streams. */
const DESCRIPTORS_RESERVED = 32;

/**
 * Files and connections in the descriptors that the process has: half of them
 * for files, which are closed and opened again as needed, and what is left for
 * connections. So neither takes what the other cannot do without.
 */
export function withinDescriptors(
  settings: Settings,
  descriptorsMax: number | null,
): Settings {
  if (descriptorsMax === null) return settings;
  const openFilesMax = Math.min(
    settings.openFilesMax,
    Math.max(numbers.openFilesMax.min, Math.floor(descriptorsMax / 2)),
  );
  const left = descriptorsMax - openFilesMax - DESCRIPTORS_RESERVED;
  const connectionsMax = Math.min(
    settings.connectionsMax,
    Math.max(numbers.connectionsMax.min, left),
  );
  return Object.freeze({ ...settings, openFilesMax, connectionsMax });
}

function parseNumber(name: string, rule: NumberOption, value: unknown): number {
  if (value === undefined) return rule.default;
  if (typeof value !== "number" || !Number.isInteger(value)) {
    throw invalid(`${name} must be a whole number, got ${String(value)}`);
  }
  if (value < rule.min || value > rule.max) {
    throw invalid(
      `${name} must lie between ${rule.min} and ${rule.max}, got ${value}`,
    );
  }
  return value;
}

function parseWord(
  name: string,
  allowed: readonly [string, ...string[]] | readonly string[],
  value: unknown,
): string | undefined {
  if (value === undefined) return allowed[0];
  if (typeof value !== "string" || !allowed.includes(value)) {
    throw invalid(
      `${name} must be one of ${allowed.join(", ")}, got ${String(value)}`,
    );
  }
  return value;
}

function parseSwitch(name: string, standard: boolean, value: unknown): boolean {
  if (value === undefined) return standard;
  if (typeof value !== "boolean") {
    throw invalid(`${name} must be true or false, got ${String(value)}`);
  }
  return value;
}

function invalid(detail: string): BrokerError {
  return new BrokerError("invalid-option", `openBroker: ${detail}`);
}
