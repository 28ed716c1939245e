/**
 * Which partition a record goes to.
 *
 * With a key: murmur2 of the key's bytes, its sign bit cleared, modulo the
 * partition count: as Java's client does (`BuiltInPartitioner`), so that a
 * record of one key goes to one partition whichever client wrote it. Without a
 * key: one partition until its batch is sealed, then another (KIP-480): whole
 * batches instead of many small ones.
 */
import type { Random } from "../../broker/platform/random.ts";

const SEED = 0x9747b28c;
const MULTIPLIER = 0x5bd1e995;
const SHIFT = 24;

/** The partition of a key; the same as Java's for the same bytes. */
export function partitionOfKey(
  key: Uint8Array,
  partitionCount: number,
): number {
  return (murmur2(key) & 0x7fffffff) % partitionCount;
}

/** Austin Appleby's hash in its 32-bit form with Kafka's seed; a signed number. */
export function murmur2(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { length } = bytes;
  const tailAt = length & ~3;
  let hash = SEED ^ length;
  for (let at = 0; at < tailAt; at += 4) {
    let word = Math.imul(view.getInt32(at, true), MULTIPLIER);
    word = Math.imul(word ^ (word >>> SHIFT), MULTIPLIER);
    hash = Math.imul(hash, MULTIPLIER) ^ word;
  }
  let tail = 0;
  for (let at = length - 1; at >= tailAt; at -= 1) {
    tail = (tail << 8) | view.getUint8(at);
  }
  if (length > tailAt) hash = Math.imul(hash ^ tail, MULTIPLIER);
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER);
  return hash ^ (hash >>> 15);
}

/** The partition of one topic's records without a key. */
export class StickyPartition {
  readonly #random: Random;
  #partition: number | null = null;

  constructor(random: Random) {
    this.#random = random;
  }

  get(partitionCount: number): number {
    this.#partition ??= this.#pick(partitionCount);
    return this.#partition;
  }

  /** A batch of `partition` is sealed: the next one goes elsewhere. */
  sealed(partition: number, partitionCount: number): void {
    if (this.#partition !== partition) return;
    // Any of the others, each as likely.
    const step = 1 + this.#pick(Math.max(1, partitionCount - 1));
    this.#partition = (partition + step) % partitionCount;
  }

  #pick(count: number): number {
    return Math.floor(this.#random.fraction() * count);
  }
}
