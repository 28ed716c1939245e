import { expect, it } from "vitest";
import { AssertionError } from "../../../broker/lib/assert.ts";
import { TailCache, tailPayload } from "../../../broker/storage/tail-cache.ts";
import type {
  OwnBytes,
  TailBatch,
} from "../../../broker/storage/tail-cache.ts";
import { TailMemory } from "../../../broker/storage/tail-memory.ts";

const segment = {};

/** Batches of ten bytes and one record each, told apart by their bytes. */
function addBatch(tail: TailCache, offset: number, inSegment = segment): void {
  const own = tail.copy(new Uint8Array(10).fill(offset));
  written(tail, own, offset, inSegment);
}

function written(
  tail: TailCache,
  own: OwnBytes,
  offset: number,
  inSegment = segment,
): void {
  const position = offset * 10;
  tail.add(inSegment, {
    position,
    baseOffset: offset,
    lastOffset: offset,
    ...own,
  });
  own.place?.chunk.release();
}

function offsetsOf(batches: readonly TailBatch[] | null): number[] | null {
  return batches?.map(({ baseOffset }) => baseOffset) ?? null;
}

it("keeps the newest batches, whole chunks at a time", () => {
  const memory = new TailMemory(30, 2);
  const tail = new TailCache(memory);
  expect(memory.sizeBytes).toBe(0);
  for (let offset = 0; offset < 6; offset++) addBatch(tail, offset);
  expect(offsetsOf(tail.read(0, 1_000))).toEqual([0, 1, 2, 3, 4, 5]);
  addBatch(tail, 6);
  expect(memory.sizeBytes).toBe(60);
  expect(tail.read(2, 1_000)).toBe(null);
  expect(offsetsOf(tail.read(3, 1_000))).toEqual([3, 4, 5, 6]);
  expect(offsetsOf(tail.read(4, 20))).toEqual([4, 5]);
  expect(tail.read(7, 1_000)).toBe(null);
});

it("takes from all logs what was added first", () => {
  const memory = new TailMemory(20, 2);
  const first = new TailCache(memory);
  const second = new TailCache(memory);
  addBatch(first, 0);
  addBatch(second, 0);
  addBatch(second, 1);
  addBatch(second, 2);
  addBatch(second, 3);
  expect(first.read(0, 1_000)).toBe(null);
  expect(second.read(0, 1_000)).toBe(null);
  expect(offsetsOf(second.read(1, 1_000))).toEqual([1, 2, 3]);
});

it("ends an answer at a gap and at a segment's end", () => {
  const tail = new TailCache(new TailMemory(20, 8));
  addBatch(tail, 0);
  const large = new Uint8Array(21).fill(1);
  const own = tail.copy(large);
  expect(own).toEqual({ bytes: large, place: null });
  expect(own.bytes).not.toBe(large);
  written(tail, own, 1);
  addBatch(tail, 4);
  addBatch(tail, 5, {});
  expect(offsetsOf(tail.read(0, 1_000))).toEqual([0]);
  expect(tail.read(1, 1_000)).toBe(null);
  expect(offsetsOf(tail.read(4, 1_000))).toEqual([4]);
});

it("hands out neighbours as one part, cut at the limit", () => {
  const memory = new TailMemory(30, 4);
  const tail = new TailCache(memory);
  for (let offset = 0; offset < 5; offset++) addBatch(tail, offset);
  const payload = tailPayload(tail.read(1, 1_000) ?? [], 35);
  expect(payload.sizeBytes).toBe(35);
  expect(payload.parts).toEqual([
    Uint8Array.of(...Array<number>(10).fill(1), ...Array<number>(10).fill(2)),
    Uint8Array.of(...Array<number>(10).fill(3), ...Array<number>(5).fill(4)),
  ]);
  payload.release();
});

it("never changes bytes that somebody still sends, and uses the memory again after that", () => {
  const memory = new TailMemory(10, 2);
  const tail = new TailCache(memory);
  addBatch(tail, 1);
  const chunk = tail.read(1, 10)?.[0]?.place.chunk;
  const held = tailPayload(tail.read(1, 10) ?? [], 10);
  for (let offset = 2; offset < 9; offset++) addBatch(tail, offset);
  expect(held.parts).toEqual([new Uint8Array(10).fill(1)]);
  held.release();

  const newest = tail.read(8, 10) ?? [];
  expect(newest[0]?.place.chunk).not.toBe(chunk);
  const released = tailPayload(newest, 10);
  released.release();
  addBatch(tail, 9);
  addBatch(tail, 10);
  expect(tail.read(10, 10)?.[0]?.place.chunk).toBe(newest[0]?.place.chunk);
});

it("leaves bytes as they are that are still to be written, and shows them to nobody", () => {
  const tail = new TailCache(new TailMemory(10, 2));
  const waiting = tail.copy(new Uint8Array(10).fill(1));
  for (let offset = 2; offset < 9; offset++) addBatch(tail, offset);
  expect(waiting.bytes).toEqual(new Uint8Array(10).fill(1));
  written(tail, waiting, 9);
  expect(tail.read(9, 10)).toBe(null);
});

it("takes a second release for the bug that it is", () => {
  const tail = new TailCache(new TailMemory(10, 2));
  addBatch(tail, 1);
  const payload = tailPayload(tail.read(1, 10) ?? [], 10);
  payload.release();
  expect(() => payload.release()).toThrow(AssertionError);
});
