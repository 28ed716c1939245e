/**
 * CRC-32C (Castagnoli), the checksum of record batches, by whichever of two
 * packages is faster for the size at hand.
 *
 * `crc-32` is JavaScript: nothing to pay for a call, about 1 ns a byte.
 * `@node-rs/crc32` uses the processor's own instruction: a call into native
 * code costs some 250 ns, each byte a third or less of the other's. They cross
 * between 300 and 600 bytes, depending on the machine
 * (`bench/micro/crc32c.ts`). The native one is optional: where it is not
 * installed, JavaScript does all of the work.
 */
import { createRequire } from "node:module";
import javascript from "crc-32/crc32c.js";

/** From this size on the native package is asked. */
export const NATIVE_FROM_SIZE_BYTES = 512;

/** `before`: of the bytes in front of these, where they come in pieces. */
type Crc32c = (bytes: Uint8Array, before?: number) => number;

/** The two must give the same number for every input; tests and the bench compare them. */
export const crc32cJavascript: Crc32c = (bytes, before = 0) =>
  javascript.buf(bytes, before) >>> 0;

// Loading takes 4 ms, so it waits for the first large input: a broker that
// starts and takes a few small records never pays for it.
let forLarge: Crc32c | null = null;

/** An unsigned 32-bit number. */
export function crc32c(bytes: Uint8Array, before = 0): number {
  if (bytes.length < NATIVE_FROM_SIZE_BYTES) {
    return crc32cJavascript(bytes, before);
  }
  forLarge ??= loadNative() ?? crc32cJavascript;
  return forLarge(bytes, before);
}

/** Null where the optional package is not installed for this platform. */
export function loadNative(): Crc32c | null {
  const require = createRequire(import.meta.url);
  try {
    const native: { crc32c: Crc32c } = require("@node-rs/crc32");
    return (bytes, before = 0) => native.crc32c(bytes, before);
  } catch {
    // The package is optional: any reason not to have it is good enough, and
    // the answer is the same without.
    return null;
  }
}
