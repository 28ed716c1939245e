/**
 * A partition's segments, by base offset. The last one is written to; there is
 * always one.
 */
import { assert } from "../lib/assert.ts";
import { FileGate } from "./file-gate.ts";
import { JobQueue } from "./job-queue.ts";
import type { Segment } from "./segment.ts";

export class SegmentList {
  /** Whoever reads the segments' files goes through it, and so does whoever moves them. */
  readonly gate = new FileGate();
  /** One at a time takes segments out of the list, with their files. */
  readonly changes = new JobQueue(1);
  readonly #segments: Segment[];

  constructor(segments: readonly Segment[]) {
    assert(segments.length > 0, "a partition has at least one segment");
    this.#segments = [...segments];
  }

  get count(): number {
    return this.#segments.length;
  }

  get first(): Segment {
    return this.#at(0);
  }

  get active(): Segment {
    return this.#at(this.#segments.length - 1);
  }

  all(): readonly Segment[] {
    return this.#segments;
  }

  add(segment: Segment): void {
    assert(
      segment.baseOffset > this.active.baseOffset,
      "segments grow by their base offset",
    );
    this.#segments.push(segment);
  }

  /** The last segment that starts at or before the offset; the first for anything smaller. */
  floor(offset: number): Segment {
    return this.#at(Math.max(0, this.#floorSlot(offset)));
  }

  /** The segment behind this one, or null. */
  after(segment: Segment): Segment | null {
    return this.#segments[this.#floorSlot(segment.baseOffset) + 1] ?? null;
  }

  /** Takes out all segments that start above the offset, and gives them. */
  removeAbove(offset: number): readonly Segment[] {
    return this.#segments.splice(Math.max(1, this.#floorSlot(offset) + 1));
  }

  /** Takes out the segments that lie wholly below the offset, and gives them; never the last. */
  removeBelow(offset: number): readonly Segment[] {
    return this.#segments.splice(0, Math.max(0, this.#floorSlot(offset)));
  }

  /** Whether all of them are there. */
  includes(segments: readonly Segment[]): boolean {
    return segments.every((segment) => this.#segments.includes(segment));
  }

  /** Puts one segment in the place of neighbours. */
  replace(old: readonly Segment[], next: Segment): void {
    assert(this.includes(old), "what is replaced is in the list");
    const slot = this.#floorSlot(next.baseOffset);
    this.#segments.splice(slot, old.length, next);
  }

  #floorSlot(offset: number): number {
    let low = -1;
    let high = this.#segments.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.#at(middle).baseOffset <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #at(slot: number): Segment {
    const segment = this.#segments[slot];
    assert(segment !== undefined, `no segment at slot ${slot}`);
    return segment;
  }
}
