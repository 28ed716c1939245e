/**
 * An answer without what two brokers may choose for themselves: ids, ports,
 * the wording of messages, how long they throttle, the order in which a map
 * was walked. Everything else stands as it came.
 */
import { readInt32, readInt64, readUint32 } from "../../../broker/lib/bytes.ts";
import { wholeBatchSizeBytes } from "../../../broker/record/batch.ts";
import {
  BASE_OFFSET_AT,
  CRC_AT,
  LAST_OFFSET_DELTA_AT,
  PARTITION_LEADER_EPOCH_AT,
} from "../../../broker/record/batch-format.ts";

const recentMs = 1_700_000_000_000;
/** By which fields the elements of an array are told apart. */
export const nameFields = [
  "name",
  "topic",
  "topicId",
  "groupId",
  "resourceName",
  "key",
  "apiKey",
  "partitionIndex",
  "partition",
  "index",
] as const;

export class PlainForm {
  readonly #port: number;
  readonly #words = new Map<string, string>();
  #memberCount = 0;

  constructor(port: number) {
    this.#port = port;
  }

  /** From now on `id` reads as `word`. */
  learn(id: string, word: string): void {
    this.#words.set(id, word);
  }

  of(value: unknown, field = ""): unknown {
    if (value instanceof Uint8Array) {
      return field === "records"
        ? batchesIn(value)
        : Buffer.from(value).toString("hex");
    }
    if (Array.isArray(value)) return this.#array(value);
    if (value !== null && typeof value === "object") {
      return Object.fromEntries(
        Object.entries(value)
          .filter(([name]) => name !== "throttleTimeMs")
          .map(([name, part]) => [name, this.of(part, name)]),
      );
    }
    return this.#scalar(value, field);
  }

  #array(values: readonly unknown[]): unknown[] {
    return values
      .map((value) => this.of(value))
      .map((value) => ({ value, sortedBy: sortKey(value) }))
      .sort((a, b) => (a.sortedBy < b.sortedBy ? -1 : 1))
      .map(({ value }) => value);
  }

  #scalar(value: unknown, field: string): unknown {
    if (value === null) return null;
    if (/Message$|^documentation$/.test(field)) {
      return value === "" ? "" : "some text";
    }
    if (field === "clusterId") return value === "" ? "" : "an id";
    if (field === "port" && value === this.#port) return "its port";
    if (field === "producerId" && Number(value) >= 0) return "an id";
    if (/TimeMs$/.test(field) && Number(value) > recentMs) return "now";
    if (field === "topicId") return this.#words.get(String(value)) ?? "an id";
    if (field === "sessionId" && Number(value) !== 0) return "a session";
    if (field === "memberId" || field === "leader") return this.#member(value);
    return value;
  }

  /** Members in the order in which they appear; what stands before the random part is kept. */
  #member(value: unknown): string {
    const id = String(value);
    const random = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.exec(id);
    if (random === null) return id;
    const known = this.#words.get(id);
    if (known !== undefined) return known;
    const word = `${id.slice(0, random.index)}<${++this.#memberCount}>`;
    this.learn(id, word);
    return word;
  }
}

function sortKey(value: unknown): string {
  if (value === null || typeof value !== "object") {
    return JSON.stringify(value) ?? "";
  }
  const names = nameFields.flatMap((field) => {
    const name: unknown = Reflect.get(value, field);
    return typeof name === "number"
      ? [String(name).padStart(12, "0")]
      : typeof name === "string"
        ? [name]
        : [];
  });
  return [...names, JSON.stringify(value)].join("\0");
}

/** Batches by what the broker may write into them; their CRC stands for the rest. */
function batchesIn(bytes: Uint8Array): readonly string[] {
  const batches: string[] = [];
  let at = 0;
  for (;;) {
    const sizeBytes = wholeBatchSizeBytes(bytes, at);
    if (sizeBytes === null) break;
    const first = readInt64(bytes, at + BASE_OFFSET_AT);
    const last = first + readInt32(bytes, at + LAST_OFFSET_DELTA_AT);
    const epoch = readInt32(bytes, at + PARTITION_LEADER_EPOCH_AT);
    const crc = readUint32(bytes, at + CRC_AT).toString(16);
    batches.push(`${first}-${last} epoch ${epoch} crc ${crc}`);
    at += sizeBytes;
  }
  if (at < bytes.length) batches.push(`and ${bytes.length - at} bytes`);
  return batches;
}
