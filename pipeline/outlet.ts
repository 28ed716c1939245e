/**
 * Where records leave a pipeline: downstream topics and dead-letter topics,
 * through the run's own producer.
 */
import {
  type Client,
  ClientError,
  type Producer,
  type RawRecord,
  topic,
} from "../client/index.ts";
import { deadLetterHeaders } from "./dead-letter.ts";
import type { EncodedPair } from "./definition.ts";
import type { Failure } from "./errors.ts";
import { deadLetterTopicOf, type PipelineSettings } from "./options.ts";

export interface OutletParts {
  readonly name: string;
  readonly settings: PipelineSettings;
  readonly client: Client;
  readonly producer: Producer;
  /** Of the dead-letter topics that are known at the start. */
  readonly deadLetterPartitionCounts: ReadonlyMap<string, number>;
}

export class Outlet {
  readonly #parts: OutletParts;

  constructor(parts: OutletParts) {
    this.#parts = parts;
  }

  /** Resolves when the broker has acknowledged the record; rejects with why it did not. */
  async send(
    name: string,
    { key, value }: EncodedPair,
    source: RawRecord,
  ): Promise<void> {
    await this.#parts.producer.send(topic(name), {
      key,
      value,
      headers: source.headerList,
      timestamp: source.timestamp,
    });
  }

  /**
   * Writes the record as it was read, to the source's partition number where the
   * dead-letter topic has it (as Spring does), else wherever its key belongs.
   */
  async deadLetter(
    source: RawRecord,
    failure: Failure,
    branch: string | null,
  ): Promise<void> {
    const { client, name, settings, producer } = this.#parts;
    const target = deadLetterTopicOf(settings, source);
    const headers = deadLetterHeaders(source, failure, {
      pipeline: name,
      branch,
      group: settings.group,
      failedAtMs: client.clock.now(),
    });
    const partitionCount =
      this.#parts.deadLetterPartitionCounts.get(target) ?? 0;
    await producer.send(topic(target), {
      key: source.key,
      value: source.value,
      headers,
      ...(source.partition < partitionCount
        ? { partition: source.partition }
        : {}),
    });
  }
}

/** Answers that are about the bytes sent, and would be the same for ever. */
const RECORD_ANSWERS: ReadonlySet<string | null> = new Set([
  "message-too-large",
  "record-list-too-large",
  "invalid-record",
  "invalid-timestamp",
]);

/**
 * True where sending failed because of this record, which can be dead-lettered
 * then. Everything else (no broker, no topic, no right to write) would
 * dead-letter record after record that has nothing wrong with it: the run stops.
 */
export function isRecordsFault(thrown: unknown): boolean {
  if (!(thrown instanceof ClientError)) return false;
  return (
    thrown.code === "encode-failed" ||
    thrown.code === "invalid-argument" ||
    (thrown.code === "refused" && RECORD_ANSWERS.has(thrown.answer))
  );
}
