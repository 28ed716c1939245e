/**
 * How a connection says that it speaks the compact protocol: four bytes, once,
 * before the first frame.
 *
 *   preface := 0xff "MLR"
 *
 * Kafka's requests begin with their size, an int32. With 0xff in front it would
 * be negative, so no Kafka request can begin like this and one port serves both.
 */

export const PREFACE: Uint8Array = Uint8Array.of(0xff, 0x4d, 0x4c, 0x52);

export type PrefaceMatch =
  /** The whole preface is there. */
  | "preface"
  /** What is there may become one. */
  | "undecided"
  | "other";

/** Tells from the first bytes of a connection whether the preface begins it. */
export function matchPreface(head: Uint8Array): PrefaceMatch {
  for (const [index, expected] of PREFACE.entries()) {
    if (index >= head.length) return "undecided";
    if (head[index] !== expected) return "other";
  }
  return "preface";
}
