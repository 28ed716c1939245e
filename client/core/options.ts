/**
 * The options of producers, consumers and readers: checked before anything is
 * sent, with their defaults filled in.
 */
import type {
  ConsumerOptions,
  From,
  ProducerOptions,
  ReaderOptions,
} from "../client.ts";
import { ClientError } from "../errors.ts";
import { mustBeFrom } from "./checked-arguments.ts";
import type { Isolation } from "./driver.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

export interface ProducerSettings {
  readonly acks: -1 | 0 | 1;
  readonly isIdempotent: boolean;
  readonly compression: NonNullable<ProducerOptions["compression"]>;
  readonly lingerMs: number;
  readonly batchSizeBytesMax: number;
  readonly bufferedSizeBytesMax: number;
  readonly deliveryTimeoutMs: number;
}

export interface ConsumerSettings {
  readonly group: string;
  readonly topics: readonly string[];
  readonly from: From;
  readonly isolation: Isolation;
  readonly bufferedSizeBytesMax: number;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly groupInstanceId: string | null;
  readonly assignors: readonly ("range" | "roundrobin" | "sticky")[];
  readonly signal: AbortSignal | null;
}

export function parseProducerOptions(
  options: ProducerOptions,
): ProducerSettings {
  const acks = options.acks ?? -1;
  const isIdempotent = options.idempotent ?? acks === -1;
  if (isIdempotent && acks !== -1) {
    throw invalid(`an idempotent producer needs acks -1, not ${acks}`);
  }
  return {
    acks,
    isIdempotent,
    compression: options.compression ?? "none",
    lingerMs: atLeast("lingerMs", options.lingerMs ?? 0, 0),
    batchSizeBytesMax: atLeast(
      "batchSizeBytesMax",
      options.batchSizeBytesMax ?? 16 * KIB,
      0,
    ),
    bufferedSizeBytesMax: atLeast(
      "bufferedSizeBytesMax",
      options.bufferedSizeBytesMax ?? 32 * MIB,
      1,
    ),
    deliveryTimeoutMs: atLeast(
      "deliveryTimeoutMs",
      options.deliveryTimeoutMs ?? 120_000,
      1,
    ),
  };
}

export function parseConsumerOptions(
  options: ConsumerOptions,
): ConsumerSettings {
  const given: unknown = options;
  if (typeof given !== "object" || given === null) {
    throw invalid(
      'a consumer needs options such as { group: "g", from: "earliest" }',
    );
  }
  if (typeof options.group !== "string" || options.group === "") {
    throw invalid("a group needs a name: { group: ... }");
  }
  if (!Array.isArray(options.topics) || options.topics.length === 0) {
    throw invalid('a consumer needs a topic: { topics: ["orders"] }');
  }
  mustBeFrom(options.from);
  const sessionTimeoutMs = atLeast(
    "sessionTimeoutMs",
    options.sessionTimeoutMs ?? 45_000,
    1,
  );
  const heartbeatIntervalMs = atLeast(
    "heartbeatIntervalMs",
    options.heartbeatIntervalMs ?? 3_000,
    1,
  );
  if (heartbeatIntervalMs >= sessionTimeoutMs) {
    throw invalid(
      `heartbeats every ${heartbeatIntervalMs} ms do not fit a session of ${sessionTimeoutMs} ms`,
    );
  }
  const assignors = options.assignors ?? ["range", "roundrobin", "sticky"];
  if (assignors.length === 0) throw invalid("a consumer needs an assignor");
  return {
    group: options.group,
    topics: [...new Set(options.topics)],
    from: options.from,
    isolation: options.isolation ?? "read_committed",
    bufferedSizeBytesMax: bufferedSize(options),
    sessionTimeoutMs,
    rebalanceTimeoutMs: atLeast(
      "rebalanceTimeoutMs",
      options.rebalanceTimeoutMs ?? 300_000,
      1,
    ),
    heartbeatIntervalMs,
    groupInstanceId: options.groupInstanceId ?? null,
    assignors,
    signal: options.signal ?? null,
  };
}

export function bufferedSize(
  options: Pick<ReaderOptions, "bufferedSizeBytesMax">,
): number {
  return atLeast(
    "bufferedSizeBytesMax",
    options.bufferedSizeBytesMax ?? 32 * MIB,
    1,
  );
}

function atLeast(name: string, value: number, min: number): number {
  // NaN fails this comparison too.
  if (!(value >= min)) throw invalid(`${name} is ${value}, at least ${min}`);
  return value;
}

function invalid(detail: string): ClientError {
  return new ClientError("invalid-argument", detail);
}
