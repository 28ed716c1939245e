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
  /** Records of one partition that may be unsettled before it is paused. Default 1,024. */
  readonly inFlightPerPartitionMax?: number;
  /** How often offsets are committed while records flow. Default 5,000. */
  readonly commitIntervalMs?: number;
  /** How long `stop` and a rebalance wait for records in flight. Default 30,000. */
  readonly drainTimeoutMs?: number;
  readonly sessionTimeoutMs?: number;
  /** Default `read_committed`. */
  readonly isolation?: "read_committed" | "read_uncommitted";
}

export interface DeadLetterOptions {
  /** Default: the record's topic + `-dlt`. */
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
  if (options.group === "") {
    throw new PipelineError("invalid-definition", "the group has no name");
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
    sessionTimeoutMs: options.sessionTimeoutMs ?? null,
    isolation: options.isolation ?? "read_committed",
  };
}

/** Spring's name for the dead letters of a topic. */
export function deadLetterTopicOf(source: string): string {
  return `${source}-dlt`;
}

function atLeastOne(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 1) return value;
  throw new PipelineError(
    "invalid-definition",
    `${name} must be a whole number from 1 up, got ${value}`,
  );
}
