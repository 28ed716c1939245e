/**
 * Record batches for Produce: good ones in every codec, and ones whose bytes
 * say something else, with a checksum that holds or does not.
 */
import { BatchBuilder } from "../../broker/record/batch-builder.ts";
import { CRC_AT, HEADER_SIZE } from "../../broker/record/batch-format.ts";
import { computeCrc } from "../../broker/record/batch.ts";
import { RecordError } from "../../broker/record/record-error.ts";
import type { SeededRandom } from "../support/seeded-random.ts";
import { onceIn, oneOf } from "./draw.ts";
import { mutateOnce } from "./mutate.ts";
import type { Known } from "./plausible-values.ts";

const codecs = ["none", "gzip", "snappy", "lz4", "zstd"] as const;
const EPOCH_MS = 1_700_000_000_000;

/** One batch as a rule; none, garbage or two now and then. */
export function plausibleRecords(
  random: SeededRandom,
  known: Known,
): Uint8Array {
  if (onceIn(random, 20)) return random.bytes(random.integer(200));
  const batch = goodBatch(random, known);
  if (onceIn(random, 20)) {
    return Buffer.concat([batch, goodBatch(random, known)]);
  }
  if (!onceIn(random, 2)) return batch;
  const changed = mutateOnce(random, batch);
  if (changed.length < HEADER_SIZE) return changed;
  // Behind a checksum that holds, what was changed is looked at.
  if (!onceIn(random, 3)) sealBatch(changed);
  return changed;
}

export function goodBatch(random: SeededRandom, known: Known): Uint8Array {
  const builder = new BatchBuilder();
  const count = 1 + random.integer(5);
  for (let index = 0; index < count; index += 1) {
    builder.append({
      key: onceIn(random, 2) ? random.bytes(3) : null,
      value: onceIn(random, 6) ? null : random.bytes(random.integer(100)),
      headers: onceIn(random, 4) ? [{ key: "h", value: random.bytes(2) }] : [],
      timestampMs: EPOCH_MS + index,
    });
  }
  const producer = {
    ...oneOf(random, known.producers),
    baseSequence: oneOf(random, [0, 0, 1, 5]),
  };
  const batch = builder.buildCompressed(oneOf(random, codecs), {
    producer: producer.id < 0 ? null : producer,
    isTransactional: onceIn(random, 30),
    isControl: onceIn(random, 30),
  });
  if (batch instanceof RecordError) throw batch;
  return batch;
}

/** Makes the checksum hold. */
export function sealBatch(batch: Uint8Array): void {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.length);
  view.setUint32(CRC_AT, computeCrc(batch, 0) >>> 0);
}
