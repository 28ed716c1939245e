/** Splits a byte stream into lines, without their ends and without decoding them. */
import { CliFailure } from "./failure.ts";

const NEWLINE = 0x0a;
/** A line is held in memory; a broker takes 1 MB unless told otherwise. */
const LINE_SIZE_BYTES_MAX = 256 * 1024 * 1024;

export async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, from);
      if (end < 0) break;
      parts.push(chunk.subarray(from, end));
      yield joined(parts);
      parts = [];
      sizeBytes = 0;
      from = end + 1;
    }
    if (from < chunk.length) {
      parts.push(chunk.subarray(from));
      sizeBytes += chunk.length - from;
    }
    if (sizeBytes > LINE_SIZE_BYTES_MAX) {
      throw new CliFailure(
        `a line has more than ${LINE_SIZE_BYTES_MAX} bytes`,
        "records are told apart by line breaks",
      );
    }
  }
  if (sizeBytes > 0) yield joined(parts);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  return parts.length === 1 && first !== undefined
    ? first
    : Buffer.concat(parts);
}
