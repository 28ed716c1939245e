/** Files made of bytes, and logs made of batches. */
import type { InspectedFile } from "../../../broker/inspect/index.ts";
import { concatBytes } from "../../../broker/lib/bytes.ts";
import { buildBatch } from "../../../broker/record/batch-builder.ts";

export function fileOf(bytes: Uint8Array): InspectedFile {
  return {
    sizeBytes: bytes.length,
    read: async (target, position) => {
      const part = bytes.subarray(position, position + target.length);
      target.set(part);
      return part.length;
    },
  };
}

export interface MadeLog {
  readonly bytes: Uint8Array;
  /** Where each batch begins. */
  readonly positions: readonly number[];
}

/** Batches of three records each; batch n has the offsets from 3n on and the timestamp 1000 + 10n. */
export function makeLog(batchCount: number): MadeLog {
  const encoder = new TextEncoder();
  const batches: Uint8Array[] = [];
  const positions: number[] = [];
  let position = 0;
  for (let batch = 0; batch < batchCount; batch++) {
    const bytes = buildBatch(
      [0, 1, 2].map((index) => ({
        key: encoder.encode(`k${batch}-${index}`),
        value: index === 1 ? null : encoder.encode("v".repeat(index)),
        headers: [],
        timestampMs: 1000 + 10 * batch,
      })),
      { baseOffset: 3 * batch, partitionLeaderEpoch: 7 },
    );
    positions.push(position);
    position += bytes.length;
    batches.push(bytes);
  }
  return { bytes: concatBytes(batches), positions };
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
