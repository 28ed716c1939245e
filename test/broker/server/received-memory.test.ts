/** Memory of received bytes is given back as soon as nobody can look at it, and no sooner. */
import { describe, expect, test } from "vitest";
import type {
  Connection,
  ConnectionHandlers,
} from "../../../broker/platform/network.ts";
import type { Session } from "../../../broker/server/protocol.ts";
import { ReceiveBudget } from "../../../broker/server/receive-budget.ts";
import { TurnShare } from "../../../broker/server/turn-share.ts";
import { ServedConnection } from "../../../broker/server/served-connection.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const FRAME_SIZE = 4_000;
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Frames whose first byte is 1 are done with at once; the others' bytes are kept. */
function serve(): {
  readonly handlers: ConnectionHandlers;
  readonly kept: Uint8Array[];
} {
  let handlers: ConnectionHandlers | null = null;
  const connection: Connection = {
    remoteAddress: "",
    remotePort: 0,
    queuedSizeBytes: 0,
    start: (given) => {
      handlers = given;
    },
    write: () => true,
    pause() {},
    resume() {},
    end() {},
    destroy() {},
  };
  const kept: Uint8Array[] = [];
  const session: Session = {
    handle(frame) {
      const isFrameFree = frame[0] === 1;
      if (!isFrameFree) kept.push(frame);
      return { processed: null, answer: null, isFrameFree };
    },
    close() {},
  };
  const clock = new ManualClock();
  const served = new ServedConnection(connection, {
    connectionId: 1,
    listener: "test",
    clock,
    turns: { received: new TurnShare(clock), sent: new TurnShare(clock) },
    budget: new ReceiveBudget(1_000_000),
    limits: {
      frameSizeBytesMax: 100_000,
      requestsInFlightMax: 10,
      queuedSizeBytesMax: 1_000,
    },
    openSession: () => ({ session, skipSizeBytes: 0 }),
    logger: silent,
    onEnd() {},
  });
  expect(served.connectionId).toBe(1);
  if (handlers === null) throw new Error("not started");
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
    const { handlers, kept } = serve();
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
    const { handlers, kept } = serve();
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
    const { handlers } = serve();
    const chunk = new Uint8Array([...framesOf(1), 9]).subarray(0, -1);
    handlers.onData(chunk);
    expect(chunk.length).toBe(4 + FRAME_SIZE);
  });
});
