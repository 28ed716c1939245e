/**
 * What a CRC-32C costs by each package, to find the size from which the native
 * one pays: `node bench/micro/crc32c.ts` prints the table behind
 * `NATIVE_FROM_SIZE_BYTES` in broker/lib/crc32c.ts.
 */
import { performance } from "node:perf_hooks";
import { crc32cJavascript, loadNative } from "../../broker/lib/crc32c.ts";

export interface Crc32cFigures {
  /** The CRC itself: the same on every machine and from each package. */
  readonly hash: number;
  /** Best of five; `native` is null where the package is not installed. */
  readonly nanosecondsPerCall: {
    readonly javascript: number;
    readonly native: number | null;
  };
}

export function crc32cBench(parameters: {
  readonly sizeBytes: number;
  readonly rounds: number;
}): Crc32cFigures {
  const { sizeBytes, rounds } = parameters;
  const bytes = Uint8Array.from({ length: sizeBytes }, (_, index) => index);
  const native = loadNative();
  const hash = crc32cJavascript(bytes);
  if (native !== null && native(bytes) !== hash) {
    throw new Error(`the two packages differ at ${sizeBytes} bytes`);
  }
  return {
    hash,
    nanosecondsPerCall: {
      javascript: measure(rounds, () => crc32cJavascript(bytes)),
      native: native === null ? null : measure(rounds, () => native(bytes)),
    },
  };
}

function measure(rounds: number, run: () => number): number {
  let bestMs = Infinity;
  for (let repeat = 0; repeat < 5; repeat++) {
    const startMs = performance.now();
    for (let round = 0; round < rounds; round++) run();
    bestMs = Math.min(bestMs, performance.now() - startMs);
  }
  return (bestMs * 1e6) / rounds;
}

if (import.meta.main) {
  console.log("     bytes  crc-32 ns  @node-rs/crc32 ns");
  for (const sizeBytes of [64, 100, 200, 300, 400, 600, 1_000, 16_384, 1e6]) {
    const rounds = Math.max(20, Math.floor(3e6 / sizeBytes));
    const { nanosecondsPerCall: cost } = crc32cBench({ sizeBytes, rounds });
    const native = cost.native === null ? "-" : cost.native.toFixed(0);
    console.log(
      String(sizeBytes).padStart(10),
      cost.javascript.toFixed(0).padStart(10),
      native.padStart(18),
    );
  }
}
