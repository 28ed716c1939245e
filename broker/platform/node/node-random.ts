/** Randomness from the system (bytes) and from V8 (fractions, which need not be secret). */
import { randomFillSync } from "node:crypto";
import type { Random } from "../random.ts";

export class NodeRandom implements Random {
  bytes(sizeBytes: number): Uint8Array {
    return randomFillSync(new Uint8Array(sizeBytes));
  }

  fraction(): number {
    return Math.random();
  }
}
