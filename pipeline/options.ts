/** A pipeline's options, checked before anything is started. */
import type { From, RawRecord } from "../client/index.ts";
import { PipelineError } from "./errors.ts";

export interface PipelineOptions {
  readonly group: string;
  /** Where the group begins if it has not committed anything. */
  readonly from: From;
  readonly deadLetter?: DeadLetterOptions;
  /** What to do with bytes that do not fit the topic's schema. Default `deadLetter`. */
  readonly onDecodeError?: "deadLetter" | "skip" | "stop";
  /** Records of one partition that may be on their way at a time. Default 1,024. */
  readonly inFlightPerPartitionMax?: number;
  /** How often offsets are committed while records flow. Default 5,000. */
  readonly commitIntervalMs?: number;
  /**
   * How long `stop` and a rebalance wait for records in flight. What has not
   * settled by then is read again, by the partition's next owner too: at least
   * once, not exactly. Default 30,000; a group waits 5 minutes for its members.
   */
  readonly drainTimeoutMs?: number;
  /** How long the group waits for a member that has crashed. Default 45,000. */
  readonly sessionTimeoutMs?: number;
  /** Default `read_committed`. */
  readonly isolation?: "read_committed" | "read_uncommitted";
}

export interface DeadLetterOptions {
  /**
   * Default: the record's topic + `-dlt`. One that is chosen record by record
   * is not created beforehand, and must exist.
   */
  readonly topic?: string | ((record: RawRecord) => string);
}

export interface PipelineSettings {
  readonly group: string;
  readonly from: From;
  /** Null: the source's name + `-dlt`. */
  readonly deadLetterTopic: string | null | ((record: RawRecord) => string);
  readonly onDecodeError: "deadLetter" | "skip" | "stop";
  readonly inFlightPerPartitionMax: number;
  readonly commitIntervalMs: number;
  readonly drainTimeoutMs: number;
  readonly sessionTimeoutMs: number | null;
  readonly isolation: "read_committed" | "read_uncommitted";
}

export function parseOptions(options: PipelineOptions): PipelineSettings {
  // Programs without types reach this too.
  if (typeof options.group !== "string" || options.group === "") {
    throw new PipelineError("invalid-definition", "the group has no name");
  }
  if (options.from === undefined) {
    throw new PipelineError(
      "invalid-definition",
      "`from` must say where a group without offsets begins: earliest, latest or a timestamp",
    );
  }
  return {
    group: options.group,
    from: options.from,
    deadLetterTopic: options.deadLetter?.topic ?? null,
    onDecodeError: options.onDecodeError ?? "deadLetter",
    inFlightPerPartitionMax: atLeastOne(
      "inFlightPerPartitionMax",
      options.inFlightPerPartitionMax ?? 1_024,
    ),
    commitIntervalMs: atLeastOne(
      "commitIntervalMs",
      options.commitIntervalMs ?? 5_000,
    ),
    drainTimeoutMs: atLeastOne(
      "drainTimeoutMs",
      options.drainTimeoutMs ?? 30_000,
    ),
    sessionTimeoutMs:
      options.sessionTimeoutMs === undefined
        ? null
        : atLeastOne("sessionTimeoutMs", options.sessionTimeoutMs),
    isolation: options.isolation ?? "read_committed",
  };
}

/** Where this record's dead letter goes; by default under Spring's name. */
export function deadLetterTopicOf(
  { deadLetterTopic }: PipelineSettings,
  record: RawRecord,
): string {
  if (typeof deadLetterTopic === "function") return deadLetterTopic(record);
  return deadLetterTopic ?? defaultDeadLetterTopic(record.topic);
}

export function defaultDeadLetterTopic(source: string): string {
  return `${source}-dlt`;
}

function atLeastOne(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 1) return value;
  throw new PipelineError(
    "invalid-definition",
    `${name} must be a whole number from 1 up, got ${value}`,
  );
}
