/**
 * Batches that are small and inflate to more than a gigabyte, where their codec
 * can: pieces that inflate to many megabytes of zeros, put behind one another.
 */
import * as zlib from "node:zlib";
import { buildBatch } from "../../broker/record/batch-builder.ts";
import {
  ATTRIBUTES_AT,
  BATCH_LENGTH_AT,
  Compression,
  type CompressionName,
  HEADER_SIZE,
  LENGTH_PREFIX_SIZE,
} from "../../broker/record/batch-format.ts";
import { compress } from "../../broker/record/compression.ts";
import { sealBatch } from "./plausible-batches.ts";

/** Below the default `max.message.bytes`. */
const BOMB_SIZE_BYTES = 1_000_000;

/** One for each codec that inflates that far. zstd inflates it ten thousandfold, gzip a thousandfold, lz4 255-fold. */
export function* codecBombs(): Generator<Uint8Array> {
  const zeros = Buffer.alloc(16 * 1024 * 1024);
  yield bombOf("gzip", repeated(zlib.gzipSync(zeros)));
  yield bombOf("zstd", repeated(zlib.zstdCompressSync(zeros)));
  yield bombOf("lz4", lz4Of(zeros));
}

/** One frame: between its descriptor and its end mark the blocks of a smaller one, repeated. */
function lz4Of(zeros: Uint8Array): Uint8Array {
  const frame = compress("lz4", zeros);
  if (frame instanceof Error) throw frame;
  const [descriptor, end] = [frame.subarray(0, 7), frame.subarray(-4)];
  return Buffer.concat([descriptor, repeated(frame.subarray(7, -4)), end]);
}

function repeated(piece: Uint8Array): Uint8Array {
  const count = Math.floor(BOMB_SIZE_BYTES / piece.length);
  return Buffer.concat(Array.from({ length: count }, () => piece));
}

/** A batch whose header holds, and whose records are these bytes. */
function bombOf(codec: CompressionName, records: Uint8Array): Uint8Array {
  const record = { key: null, value: null, headers: [], timestampMs: 0 };
  const header = buildBatch([record]).subarray(0, HEADER_SIZE);
  const batch = Uint8Array.from(Buffer.concat([header, records]));
  const view = new DataView(batch.buffer);
  view.setInt32(BATCH_LENGTH_AT, batch.length - LENGTH_PREFIX_SIZE);
  view.setInt16(ATTRIBUTES_AT, Compression[codec]);
  sealBatch(batch);
  return batch;
}
