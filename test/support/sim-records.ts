/** Records whose key says who made them: built to be sent, and read back. */
import { buildBatch } from "../../broker/record/batch-builder.ts";
import type { BatchProducer } from "../../broker/record/batch-builder.ts";
import {
  crcHolds,
  partitionLeaderEpochOf,
  wholeBatchSizeBytes,
} from "../../broker/record/batch.ts";
import { openRecords } from "../../broker/record/record.ts";
import type { StoredRecord } from "../../broker/record/record.ts";
import { RecordError } from "../../broker/record/record-error.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { SeenRecord } from "./sim-observation.ts";

const PADDING_SIZE_BYTES_MAX = 400;

/** One batch of records with these ids; the value is the id and something behind it. */
export function batchOfIds(
  ids: readonly string[],
  timestampMs: number,
  random: SeededRandom,
  producer: BatchProducer | null,
): Uint8Array {
  const records = ids.map((id) => {
    const [maker = id, key, gone] = id.split(keyedPart);
    const padding = "x".repeat(random.integer(PADDING_SIZE_BYTES_MAX));
    return {
      key: Buffer.from(key ?? id),
      value: gone === undefined ? Buffer.from(`${id} ${padding}`) : null,
      headers:
        key === undefined ? [] : [{ key: "id", value: Buffer.from(maker) }],
      timestampMs,
    };
  });
  return buildBatch(records, { producer });
}

/** `p1.2/17:k3:gone` -> `p1.2/17`, `k3`, `gone`. Other ids may have a colon before their number. */
const keyedPart = /(?<=\/\d+|:k\d+):/;

/** What `batchOfIds` made it of. */
function idOf({ key, value, headers }: StoredRecord): string {
  const text = Buffer.from(key ?? "").toString();
  const maker = headers.find((header) => header.key === "id")?.value;
  if (maker === undefined) return text;
  const gone = value === null ? ":gone" : "";
  return `${Buffer.from(maker ?? "").toString()}:${text}${gone}`;
}

/** All whole batches, in order. Throws for bytes that no client could take. */
export function readIds(bytes: Uint8Array): readonly SeenRecord[] {
  const seen: SeenRecord[] = [];
  let at = 0;
  for (;;) {
    const sizeBytes = wholeBatchSizeBytes(bytes, at);
    if (sizeBytes === null) return seen;
    if (!crcHolds(bytes, at))
      throw new Error(`a batch at ${at} with a wrong crc`);
    const leaderEpoch = partitionLeaderEpochOf(bytes, at);
    const reader = openRecords(bytes, at, { sizeBytesMax: 10_000_000 });
    if (reader instanceof RecordError) throw reader;
    for (;;) {
      const record = reader.next();
      if (record instanceof RecordError) throw record;
      if (record === null) break;
      seen.push({ offset: record.offset, leaderEpoch, id: idOf(record) });
    }
    at += sizeBytes;
  }
}
