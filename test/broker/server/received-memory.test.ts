/** Memory of received bytes is given back as soon as nobody can look at it, and no sooner. */
import { describe, expect, test } from "vitest";
import { ProtocolViolation } from "../../../broker/server/protocol.ts";
import { TurnShare } from "../../../broker/server/turn-share.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { serve } from "../../support/served.ts";

const FRAME_SIZE = 4_000;

/** Frames whose first byte is 1 are done with at once; the others' bytes are kept; 3 cannot be read. */
function serveFrames() {
  const kept: Uint8Array[] = [];
  const clock = new ManualClock();
  const turns = { received: new TurnShare(clock), sent: new TurnShare(clock) };
  const { handlers } = serve(turns, () => ({
    handle(frame) {
      if (frame[0] !== 1) kept.push(frame);
      if (frame[0] === 3) throw new ProtocolViolation("unreadable");
      return { processed: null, answer: null, isFrameFree: frame[0] === 1 };
    },
    close() {},
  }));
  return { handlers, kept };
}

function framesOf(...firstBytes: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(firstBytes.length * (4 + FRAME_SIZE));
  for (const [index, first] of firstBytes.entries()) {
    const at = index * (4 + FRAME_SIZE);
    new DataView(bytes.buffer).setInt32(at, FRAME_SIZE);
    bytes.fill(first, at + 4, at + 4 + FRAME_SIZE);
  }
  return bytes;
}

describe("a chunk of frames", () => {
  test.for<readonly [string, readonly number[], boolean]>([
    ["that are all done with goes", [1, 1, 1], true],
    ["one of which is kept stays", [1, 2, 1], false],
    ["the last of which is kept stays", [1, 2], false],
  ])("%s", ([, firstBytes, isGivenBack]) => {
    const { handlers, kept } = serveFrames();
    const chunk = framesOf(...firstBytes);
    const keptCount = firstBytes.filter((first) => first !== 1).length;
    handlers.onData(chunk);
    expect(chunk.length === 0).toBe(isGivenBack);
    expect(kept.length).toBe(keptCount);
    for (const frame of kept) {
      expect(frame).toEqual(new Uint8Array(FRAME_SIZE).fill(2));
    }
  });

  test("that ends within a frame goes too: that half is a copy", () => {
    const { handlers, kept } = serveFrames();
    const stream = framesOf(1, 2);
    const first = stream.slice(0, 6_000);
    const second = stream.slice(6_000);
    handlers.onData(first);
    expect(first.length).toBe(0);
    handlers.onData(second);
    expect(second.length).toBe(stream.length - 6_000);
    expect(kept).toEqual([new Uint8Array(FRAME_SIZE).fill(2)]);
  });

  test("that is a part of a larger buffer stays", () => {
    const { handlers } = serveFrames();
    const chunk = new Uint8Array([...framesOf(1), 9]).subarray(0, -1);
    handlers.onData(chunk);
    expect(chunk.length).toBe(4 + FRAME_SIZE);
  });
});

test("a frame that cannot be read goes", () => {
  const { handlers, kept } = serveFrames();
  const stream = framesOf(3);
  handlers.onData(stream.slice(0, 2_000));
  handlers.onData(stream.slice(2_000));
  expect(kept.map(({ length }) => length)).toEqual([0]);
});
