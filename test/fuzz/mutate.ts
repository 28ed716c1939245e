/**
 * Bytes as a stranger might send them: a good frame with a part that is
 * flipped, cut, stretched, repeated or set to what decoders fear.
 */
import type { SeededRandom } from "../support/seeded-random.ts";
import { oneOf } from "./draw.ts";

type Mutation = (random: SeededRandom, bytes: Uint8Array) => Uint8Array;

/** Numbers at the ends of their types, as they lie in bytes. */
const extremes: readonly (readonly number[])[] = [
  [0x00],
  [0x7f],
  [0x80],
  [0xff],
  [0x7f, 0xff],
  [0x80, 0x00],
  [0xff, 0xff],
  [0xff, 0xfe],
  [0x00, 0x0f, 0x42, 0x40],
  [0x7f, 0xff, 0xff, 0xff],
  [0x80, 0x00, 0x00, 0x00],
  [0xff, 0xff, 0xff, 0xff],
  [0xff, 0xff, 0xff, 0xfe],
  // Varints: the largest, and one that does not end.
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0x00, 0x20, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00],
  [0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
];

const mutations: readonly Mutation[] = [
  flipBit,
  flipBit,
  setExtreme,
  setExtreme,
  setByte,
  cutOut,
  cutEnd,
  insertBytes,
  repeatPart,
];

/** A copy with one change. */
export function mutateOnce(
  random: SeededRandom,
  bytes: Uint8Array,
): Uint8Array {
  return oneOf(random, mutations)(random, bytes);
}

/** A copy with some changes. */
export function mutate(
  random: SeededRandom,
  bytes: Uint8Array,
  count: number,
): Uint8Array {
  let changed = bytes;
  for (let index = 0; index < count; index += 1) {
    changed = mutateOnce(random, changed);
  }
  return changed;
}

export function flipBit(random: SeededRandom, bytes: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(bytes);
  const at = random.integer(bytes.length);
  const byte = changed[at];
  if (byte !== undefined) changed[at] = byte ^ (1 << random.integer(8));
  return changed;
}

export function setExtreme(
  random: SeededRandom,
  bytes: Uint8Array,
): Uint8Array {
  const changed = Uint8Array.from(bytes);
  const value = oneOf(random, extremes);
  if (value.length > changed.length) return changed;
  changed.set(value, random.integer(changed.length - value.length + 1));
  return changed;
}

function setByte(random: SeededRandom, bytes: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(bytes);
  if (changed.length > 0) {
    changed[random.integer(changed.length)] = random.integer(256);
  }
  return changed;
}

export function cutOut(random: SeededRandom, bytes: Uint8Array): Uint8Array {
  const start = random.integer(bytes.length + 1);
  const end = start + random.integer(Math.min(16, bytes.length - start) + 1);
  return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
}

export function cutEnd(random: SeededRandom, bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes.subarray(0, random.integer(bytes.length + 1)));
}

export function insertBytes(
  random: SeededRandom,
  bytes: Uint8Array,
): Uint8Array {
  const at = random.integer(bytes.length + 1);
  const inserted = random.bytes(1 + random.integer(8));
  return Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at)]);
}

function repeatPart(random: SeededRandom, bytes: Uint8Array): Uint8Array {
  const start = random.integer(bytes.length + 1);
  const end = start + random.integer(bytes.length - start + 1);
  const at = random.integer(bytes.length + 1);
  return Buffer.concat([
    bytes.subarray(0, at),
    bytes.subarray(start, end),
    bytes.subarray(at),
  ]);
}
