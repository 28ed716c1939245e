/** `millrace produce`: a record a line of standard input. */
import {
  type Header,
  type Producer,
  type ProducerOptions,
  type Topic,
  topic,
} from "../client/index.ts";
import type { BrokerAddress } from "./broker-address.ts";
import { withClient } from "./connection.ts";
import { CliFailure, usageFailure } from "./failure.ts";
import { linesOf } from "./input-lines.ts";
import { note } from "./output.ts";
import { type InputRecord, parseJsonRecord } from "./record-json.ts";
import { stopSignal } from "./stop-signal.ts";

/** Sent and not yet acknowledged, in records; the producer bounds them in bytes. */
const OUTSTANDING_COUNT_MAX = 10_000;
/** Lines come one by one; together they make larger batches. */
const LINGER_MS = 5;

export interface ProduceOptions {
  readonly broker: BrokerAddress;
  readonly key?: string;
  readonly keySeparator?: string;
  readonly header?: readonly (readonly [string, string])[];
  readonly partition?: number;
  readonly json?: boolean;
  readonly acks: NonNullable<ProducerOptions["acks"]>;
  readonly compression: NonNullable<ProducerOptions["compression"]>;
}

export async function produce(
  topicName: string,
  options: ProduceOptions,
): Promise<void> {
  if (options.key !== undefined && options.keySeparator !== undefined) {
    throw usageFailure("--key and --key-separator do not go together");
  }
  const stopping = stopSignal();
  // Whoever stops us while we wait for input has sent all that there was.
  const input = process.stdin;
  stopping.addEventListener("abort", () => input.destroy());
  if (input.isTTY) note("one record a line; Ctrl-D to end");
  try {
    await withClient(options.broker, async (client) => {
      const producer = client.producer({
        acks: options.acks,
        compression: options.compression,
        lingerMs: LINGER_MS,
      });
      const sender = new Sender(producer, topicName);
      stopping.addEventListener("abort", () => {
        // It may be minutes until the last of them is given up.
        if (sender.outstandingCount === 0) return;
        const waiting = countOf(sender.outstandingCount);
        note(`waiting for ${waiting} on their way; once more to stop at once`);
      });
      try {
        await sendLines(sender, input, options);
      } catch (error) {
        if (!stopping.aborted || !isEarlyEnd(error)) throw error;
      } finally {
        try {
          await sender.finish();
          await producer.close();
        } finally {
          // Also where it failed on the way: what was sent before stays.
          note(`${countOf(sender.sentCount)} to ${topicName}`);
        }
      }
    });
  } finally {
    // Input that nobody reads any more would keep the process alive.
    input.destroy();
  }
}

async function sendLines(
  sender: Sender,
  input: AsyncIterable<Uint8Array>,
  options: ProduceOptions,
): Promise<void> {
  const recordOf = lineParser(options);
  let number = 0;
  for await (const line of linesOf(input)) {
    number++;
    await sender.send(recordOf(line, `line ${number}`));
  }
}

function countOf(records: number): string {
  return records === 1 ? "1 record" : `${records} records`;
}

function isEarlyEnd(error: unknown): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    error.code === "ERR_STREAM_PREMATURE_CLOSE"
  );
}

function lineParser(
  options: ProduceOptions,
): (line: Uint8Array, where: string) => InputRecord {
  const headers: readonly Header[] = (options.header ?? []).map(
    ([name, text]) => ({ name, value: Buffer.from(text) }),
  );
  const { partition } = options;
  const chosen = partition === undefined ? {} : { partition };
  if (options.json) {
    return (line, where) => {
      const record = parseJsonRecord(line, where);
      return {
        ...record,
        ...chosen,
        headers: [...record.headers, ...headers],
      };
    };
  }
  const separator =
    options.keySeparator === undefined
      ? null
      : Buffer.from(options.keySeparator);
  const key = options.key === undefined ? null : Buffer.from(options.key);
  return (line, where) =>
    separator === null
      ? { key, value: line, headers, ...chosen }
      : { ...splitLine(line, separator, where), headers, ...chosen };
}

function splitLine(line: Uint8Array, separator: Buffer, where: string) {
  const at = Buffer.from(line.buffer, line.byteOffset, line.byteLength).indexOf(
    separator,
  );
  if (at < 0) {
    throw new CliFailure(
      `${where} has no key separator ${JSON.stringify(separator.toString())}`,
      "leave --key-separator out for records without keys",
    );
  }
  return {
    key: line.subarray(0, at),
    value: line.subarray(at + separator.length),
  };
}

/** Keeps many records on their way; the first that fails ends it. */
class Sender {
  readonly #producer: Producer;
  readonly #topic: Topic<Uint8Array | null, Uint8Array | null>;
  readonly #outstanding = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | null = null;
  #sentCount = 0;

  constructor(producer: Producer, topicName: string) {
    this.#producer = producer;
    this.#topic = topic(topicName);
  }

  get outstandingCount(): number {
    return this.#outstanding.size;
  }

  /** Acknowledged; with acks 0: handed over. */
  get sentCount(): number {
    return this.#sentCount;
  }

  async send(record: InputRecord): Promise<void> {
    const sent = this.#producer.send(this.#topic, record).then(
      () => {
        this.#sentCount++;
      },
      (error: unknown) => {
        this.#failure ??= { error };
      },
    );
    this.#outstanding.add(sent);
    void sent.finally(() => this.#outstanding.delete(sent));
    if (this.#outstanding.size >= OUTSTANDING_COUNT_MAX) {
      await Promise.race(this.#outstanding);
    }
    if (this.#failure !== null) throw this.#failure.error;
  }

  /** Waits for all that is on its way. Throws the first failure. */
  async finish(): Promise<void> {
    await this.#producer.flush();
    await Promise.all(this.#outstanding);
    if (this.#failure !== null) throw this.#failure.error;
  }
}
