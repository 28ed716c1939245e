/** What is large waits for another turn of the event loop; what is small never does. */
import { describe, expect, test } from "vitest";
import { payloadOf } from "../../../broker/lib/payload.ts";
import type { Session, SessionPeer } from "../../../broker/server/protocol.ts";
import { TurnShare } from "../../../broker/server/turn-share.ts";
import { serve } from "../../support/served.ts";

const MIB = 1024 * 1024;

/** A share whose turns come when the test says so. */
function share() {
  let next: (() => void)[] = [];
  const turns = new TurnShare({ defer: (fire) => next.push(fire) });
  return {
    turns,
    isTurnAwaited: () => next.length > 0,
    turn() {
      const due = next;
      next = [];
      for (const fire of due) fire();
    },
  };
}

describe("a turn's share", () => {
  test("is spent by a megabyte, and new in the next turn", () => {
    const { turns, turn } = share();
    turns.spend(MIB - 1);
    expect(turns.isSpent).toBe(false);
    turns.spend(1);
    expect(turns.isSpent).toBe(true);
    turn();
    expect(turns.isSpent).toBe(false);
  });

  test("asks for no turn while little was moved", () => {
    const { turns, isTurnAwaited } = share();
    for (let index = 0; index < 10; index++) turns.spend(1_000);
    expect(isTurnAwaited()).toBe(false);
  });

  test("is given to those who wait, in their order, as far as it goes", () => {
    const { turns, turn } = share();
    const served: string[] = [];
    for (const name of ["a", "b", "c"]) {
      turns.wait(() => {
        served.push(name);
        turns.spend(MIB / 2);
      });
    }
    turn();
    expect(served).toEqual(["a", "b"]);
    turn();
    expect(served).toEqual(["a", "b", "c"]);
  });

  test("goes to a few at a time where nobody spends it yet", () => {
    const { turns, turn } = share();
    let count = 0;
    for (let index = 0; index < 20; index++) turns.wait(() => count++);
    turn();
    expect(count).toBe(8);
    turn();
    turn();
    expect(count).toBe(20);
  });
});

/** Answers each frame with as many bytes as the frame's first byte says, in units of 100 KB. */
function answering(): Session {
  return {
    handle: (frame) => {
      const answer = payloadOf([new Uint8Array((frame[0] ?? 0) * 100_000)]);
      return { processed: null, answer };
    },
    close() {},
  };
}

function frames(...firstBytes: readonly number[]): Uint8Array {
  return Uint8Array.from(firstBytes.flatMap((first) => [0, 0, 0, 1, first]));
}

function shares() {
  const received = share();
  const sent = share();
  return {
    received,
    sent,
    turns: { received: received.turns, sent: sent.turns },
  };
}

describe("a connection", () => {
  test("answers one large request a turn once the share is spent, and its later ones wait behind it", () => {
    const { sent, turns } = shares();
    const { handlers, done } = serve(turns, answering);
    handlers.onData(frames(20, 15, 0, 12));
    expect(done).toEqual([2_000_000]);
    sent.turn();
    expect(done).toEqual([2_000_000, 1_500_000, 0]);
    sent.turn();
    expect(done).toEqual([2_000_000, 1_500_000, 0, 1_200_000]);
  });

  test("answers a small request at once, whoever has spent the share", () => {
    const { turns } = shares();
    const greedy = serve(turns, answering);
    const modest = serve(turns, answering);
    greedy.handlers.onData(frames(20, 20, 20));
    modest.handlers.onData(frames(0));
    expect(modest.done).toEqual([0]);
    expect(greedy.done).toEqual([2_000_000]);
  });

  test("is not read on when it sends much and the share is spent, until its turn", () => {
    const { received, turns } = shares();
    const { handlers, done } = serve(turns, answering);
    const large = new Uint8Array(4 + MIB);
    new DataView(large.buffer).setInt32(0, MIB);
    handlers.onData(large);
    expect(done).toEqual([0, "pause"]);
    received.turn();
    expect(done).toEqual([0, "pause", "resume"]);
  });

  test("is read on when it sends little, whoever has spent the share", () => {
    const { turns } = shares();
    const { handlers, done } = serve(turns, answering);
    turns.received.spend(2 * MIB);
    handlers.onData(frames(0));
    expect(done).toEqual([0]);
  });

  test("tells who pushes to wait, and when to go on", () => {
    const { sent, turns } = shares();
    const peers: SessionPeer[] = [];
    const { handlers } = serve(turns, (peer) => {
      peers.push(peer);
      return answering();
    });
    handlers.onData(frames(0));
    const [peer] = peers;
    let goneOn = 0;
    peer?.onWritable(() => goneOn++);
    expect(peer?.push(payloadOf([new Uint8Array(1_000)]))).toBe(true);
    expect(peer?.push(payloadOf([new Uint8Array(MIB)]))).toBe(false);
    expect(peer?.push(payloadOf([new Uint8Array(MIB)]))).toBe(false);
    expect(goneOn).toBe(0);
    sent.turn();
    expect(goneOn).toBe(1);
  });

  test("that ends while its answer waits gives the answer's memory back, once", () => {
    const { sent, turns } = shares();
    let released = 0;
    const { handlers, done } = serve(turns, () => ({
      handle: () => ({
        processed: null,
        answer: {
          ...payloadOf([new Uint8Array(2 * MIB)]),
          release: () => released++,
        },
      }),
      close() {},
    }));
    handlers.onData(frames(0, 0));
    handlers.onClose(null);
    sent.turn();
    expect(released).toBe(1);
    expect(done).toEqual([2 * MIB]);
  });
});
