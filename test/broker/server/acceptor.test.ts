import { describe, expect, test } from "vitest";
import { payloadOf } from "../../../broker/lib/payload.ts";
import { connectionPair } from "../../../broker/platform/memory/loopback-connection.ts";
import type { Clock } from "../../../broker/platform/clock.ts";
import { Acceptor } from "../../../broker/server/acceptor.ts";
import type { Session } from "../../../broker/server/protocol.ts";
import { ReceiveBudget } from "../../../broker/server/receive-budget.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const limits = {
  connectionsMax: 10,
  connectionIdleMsMax: 60_000,
  frameSizeBytesMax: 1_000,
  requestsInFlightMax: 10,
  queuedSizeBytesMax: 1_000,
};
const silentSession: Session = {
  handle: () => ({ processed: null, answer: null }),
  close() {},
};

function acceptorOf(clock: Clock, budget: ReceiveBudget, session: Session) {
  const openSession = () => ({ session, skipSizeBytes: 0 });
  return new Acceptor(clock, budget, openSession, silent, limits);
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };

test("frames behind answers that the peer does not take are evicted like half ones", async () => {
  const clock = new ManualClock();
  const budget = new ReceiveBudget(1_000);
  const lines: string[] = [];
  const note = (_fields: object, message: string) => lines.push(message);
  const answer = new Uint8Array(2_000);
  const acceptor = new Acceptor(
    clock,
    budget,
    () => ({
      session: {
        handle: () => ({ processed: null, answer: payloadOf([answer]) }),
        close() {},
      },
      skipSizeBytes: 0,
    }),
    { ...silent, warn: note },
    limits,
  );
  const [ours, theirs] = connectionPair(clock);
  acceptor.accept(ours, "test");
  const { promise, resolve } = Promise.withResolvers<void>();
  theirs.start({ onData() {}, onDrain() {}, onClose: () => resolve() });
  theirs.pause();
  const frame = Uint8Array.from([0, 0, 1, 244, ...new Uint8Array(500)]);
  theirs.write([frame, frame, frame]);
  await clock.settle();
  // The next who needs room makes it known.
  const [ours2, theirs2] = connectionPair(clock);
  acceptor.accept(ours2, "test");
  theirs2.start({ onData() {}, onDrain() {}, onClose() {} });
  theirs2.write([frame.subarray(0, 10)]);
  await promise;
  expect(lines).toEqual(["connection closed: the peer broke protocol"]);
  await acceptor.close();
  expect(budget.usedSizeBytes).toBe(0);
});

describe("a connection that ends gives the budget back exactly what it took", () => {
  const cases = {
    "half a frame": [0, 0, 0, 100, 1, 2, 3],
    "a frame larger than allowed": [0, 1, 0, 0, 1, 2, 3],
    "a frame of negative size behind half of a good one": [
      0, 0, 0, 1, 9, 255, 255, 255, 255,
    ],
  };
  for (const [name, bytes] of Object.entries(cases)) {
    test(name, async () => {
      const clock = new ManualClock();
      const budget = new ReceiveBudget(1_000);
      const acceptor = acceptorOf(clock, budget, silentSession);
      const [ours, theirs] = connectionPair(clock);
      acceptor.accept(ours, "test");
      const { promise, resolve } = Promise.withResolvers<void>();
      theirs.start({ onData() {}, onDrain() {}, onClose: () => resolve() });
      await new Promise<void>((sent) => {
        theirs.write([Uint8Array.from(bytes)], sent);
      });
      theirs.destroy();
      await promise;
      await acceptor.close();
      expect(budget.usedSizeBytes).toBe(0);
    });
  }
});

describe("a connection on which nothing comes", () => {
  /** Whether it is still open after a while in which nothing came. */
  async function isOpenAfter(
    bytes: readonly number[],
    idleMs: number,
    session: Session = silentSession,
  ): Promise<boolean> {
    const clock = new ManualClock();
    const acceptor = acceptorOf(clock, new ReceiveBudget(1_000), session);
    const [ours, theirs] = connectionPair(clock);
    acceptor.accept(ours, "test");
    let isOpen = true;
    const onClose = () => {
      isOpen = false;
    };
    theirs.start({ onData() {}, onDrain() {}, onClose });
    if (bytes.length > 0) theirs.write([Uint8Array.from(bytes)]);
    await clock.settle();
    await clock.advanceAndSettle(idleMs);
    const wasOpen = isOpen;
    await acceptor.close();
    return wasOpen;
  }

  test("is closed after the time that the option says", async () => {
    expect(await isOpenAfter([], 30_000)).toBe(true);
    expect(await isOpenAfter([], 75_000)).toBe(false);
  });

  test("is closed with half a frame, too", async () => {
    expect(await isOpenAfter([0, 0, 0, 100, 1, 2, 3], 75_000)).toBe(false);
  });

  test("stays while an answer is owed, or something waits to be pushed", async () => {
    const owing: Session = {
      handle: () => ({ processed: null, answer: new Promise(() => {}) }),
      close() {},
    };
    expect(await isOpenAfter([0, 0, 0, 1, 7], 500_000, owing)).toBe(true);
    const waiting: Session = { ...silentSession, isWaiting: true };
    expect(await isOpenAfter([0, 0, 0, 1, 7], 500_000, waiting)).toBe(true);
  });
});

test("bytes that are no frame are told so, where the protocol can", async () => {
  const clock = new ManualClock();
  const session: Session = {
    ...silentSession,
    farewell: (reason) => payloadOf([new TextEncoder().encode(reason)]),
  };
  const acceptor = acceptorOf(clock, new ReceiveBudget(1_000), session);
  const [ours, theirs] = connectionPair(clock);
  acceptor.accept(ours, "test");
  const received: Uint8Array[] = [];
  const closed = new Promise<void>((resolve) => {
    theirs.start({
      onData: (chunk) => received.push(chunk),
      onDrain() {},
      onClose: () => resolve(),
    });
  });
  theirs.write([Uint8Array.of(0x7f, 0, 0, 0)]);
  await closed;
  expect(Buffer.concat(received).toString()).toContain("frame of");
  await acceptor.close();
});
