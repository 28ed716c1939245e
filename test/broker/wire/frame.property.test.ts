import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  beginFrame,
  finishFrame,
  FrameReader,
} from "../../../broker/wire/frame.ts";
import { WireError } from "../../../broker/wire/wire-error.ts";

const SIZE_MAX = 5000;

const bodies = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc.uint8Array({ minLength: 900, maxLength: SIZE_MAX, size: "max" }),
  ),
  { maxLength: 8 },
);

/** Places to cut, as parts of the whole; many cuts make many chunks of one byte. */
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
  maxLength: 40,
});

function streamOf(frames: readonly Uint8Array[]): Uint8Array {
  const pieces = frames.flatMap((body) => {
    const prefix = Buffer.alloc(4);
    prefix.writeInt32BE(body.length);
    return [prefix, body];
  });
  return new Uint8Array(Buffer.concat(pieces));
}

function cutAt(stream: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = places.map((place) => Math.floor(place * stream.length));
  ends.push(stream.length);
  ends.sort((a, b) => a - b);
  let start = 0;
  return ends.map((end) => {
    const chunk = stream.slice(start, end);
    start = end;
    return chunk;
  });
}

function readAll(chunks: readonly Uint8Array[]): Uint8Array[] {
  const reader = new FrameReader(SIZE_MAX);
  const frames: Uint8Array[] = [];
  for (const chunk of chunks) reader.push(chunk, (body) => frames.push(body));
  expect(reader.heldSizeBytes).toBe(0);
  return frames;
}

describe("frames come out as they went in", () => {
  test("however the stream is cut", () => {
    fc.assert(
      fc.property(bodies, cuts, (frames, places) => {
        expect(readAll(cutAt(streamOf(frames), places))).toEqual(frames);
      }),
    );
  });

  test("byte by byte", () => {
    fc.assert(
      fc.property(bodies, (frames) => {
        const chunks = Array.from(streamOf(frames), (byte) =>
          Uint8Array.of(byte),
        );
        expect(readAll(chunks)).toEqual(frames);
      }),
      { numRuns: 20 },
    );
  });
});

test("a frame within one chunk is a view of it", () => {
  const chunk = streamOf([Uint8Array.of(1, 2), Uint8Array.of(3)]);
  for (const frame of readAll([chunk])) {
    expect(frame.buffer).toBe(chunk.buffer);
  }
});

test("nothing is reserved for a size that is merely promised", () => {
  const reader = new FrameReader(0x7fffffff);
  reader.push(Uint8Array.of(0x7f, 0xff, 0xff, 0xff, 1), () => {});
  expect(reader.heldSizeBytes).toBeLessThan(2000);
  let arrived = 1;
  for (let count = 0; count < 200; count++) {
    reader.push(new Uint8Array(1000), () => {});
    arrived += 1000;
    expect(reader.heldSizeBytes).toBeLessThanOrEqual(2 * arrived + 1024);
  }
});

test("a large frame grows with what arrives, in its other half too, and is whole at the end", () => {
  const sizeBytes = 9_000_001;
  const stream = Buffer.alloc(4 + sizeBytes);
  stream.writeInt32BE(sizeBytes);
  // Each byte tells where it lies.
  for (let at = 4; at < stream.length; at++) stream[at] = (at * 31) >> 5;
  const reader = new FrameReader(sizeBytes);
  const frames: Uint8Array[] = [];
  const CHUNK = 65_536;
  for (let at = 0; at < stream.length; at += CHUNK) {
    const chunk = Uint8Array.from(stream.subarray(at, at + CHUNK));
    reader.push(chunk, (body) => frames.push(body));
    expect(reader.heldSizeBytes).toBeLessThanOrEqual(2 * (at + CHUNK) + 1024);
  }
  expect(frames).toHaveLength(1);
  expect(stream.subarray(4).equals(frames[0] ?? new Uint8Array())).toBe(true);
  expect(reader.heldSizeBytes).toBe(0);
});

test("a size too large is refused, after the frames before it, at its position", () => {
  const reader = new FrameReader(2);
  const frames: Uint8Array[] = [];
  const stream = streamOf([Uint8Array.of(1, 2), Uint8Array.of(1, 2, 3)]);
  const push = (): void => reader.push(stream, (body) => frames.push(body));
  expect(push).toThrow(
    expect.objectContaining({ reason: "frame-size", position: 6 }),
  );
  expect(frames).toEqual([Uint8Array.of(1, 2)]);
  // Nothing that follows is taken for a frame.
  expect(push).toThrow(WireError);
  expect(frames).toHaveLength(1);
});

test.each([
  [[0x16, 3, 1, 2], /at most 100; it begins as TLS does/],
  [[...Buffer.from("GET ")], /at most 100; it begins as HTTP does/],
  [[...Buffer.from("POST")], /at most 100; it begins as HTTP does/],
  [[0x16, 4, 1, 2], /at most 100 at/],
])("a size that is no size is told for what it is: %j", (bytes, said) => {
  const push = (): void =>
    new FrameReader(100).push(Uint8Array.from(bytes), () => {});
  expect(push).toThrow(said);
});

test("a negative size is refused", () => {
  const reader = new FrameReader(100);
  const push = (): void =>
    reader.push(Uint8Array.of(0xff, 0xff, 0xff, 0xff), () => {});
  expect(push).toThrow(WireError);
});

test("a frame that we write begins with the size of the rest", () => {
  const writer = beginFrame();
  writer.string("abc");
  writer.records(Uint8Array.of(7, 8));
  const { parts } = finishFrame(writer);
  const bytes = parts.map((part) => (part instanceof Uint8Array ? part : []));
  expect(
    Buffer.concat(bytes.map((one) => Uint8Array.from(one))).toString("hex"),
  ).toBe("0000000b" + "0003616263" + "000000020708");
});
