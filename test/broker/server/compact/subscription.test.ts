import { expect, test } from "vitest";
import { payloadOf, type Payload } from "../../../../broker/lib/payload.ts";
import type {
  Fetch,
  FetchPartition,
  FetchResult,
} from "../../../../broker/operation/fetch.ts";
import type { SessionPeer } from "../../../../broker/server/protocol.ts";
import { Subscriptions } from "../../../../broker/server/compact/subscriptions.ts";
import { batchesFrames } from "../../../../broker/wire/compact/apis.ts";
import { concatBytes } from "../../../../broker/lib/bytes.ts";

const context = {
  principal: "User:ANONYMOUS",
  clientId: null,
  clientHost: "here",
  listener: "test",
  connectionId: 1,
  closed: new AbortController().signal,
};

/**
 * One byte is one record: a partition is as long as `lengths` says, a read
 * gives ten at most, and one that finds nothing waits until `append`.
 */
class World {
  readonly lengths = new Map<string, number>();
  readonly pushes: string[] = [];
  readonly subscriptions: Subscriptions;
  readCount = 0;
  waitingCount = 0;
  heldCount = 0;
  isPeerFull = false;
  readonly #wakes = new Set<() => void>();
  #writable: () => void = () => {};

  constructor() {
    const peer: SessionPeer = {
      push: (payload) => this.#pushed(payload),
      onWritable: (listener) => {
        this.#writable = listener;
      },
      closed: context.closed,
      connectionId: 1,
      remoteAddress: "here",
      listener: "test",
    };
    this.subscriptions = new Subscriptions(this.#fetch, [], peer);
  }

  subscribe(
    creditSizeBytes: number,
    offsets: Readonly<Record<string, number>>,
    round = 1,
  ): void {
    const refusal = this.subscriptions.subscribe(context, {
      subscription: 1,
      round,
      isCommittedOnly: false,
      partitionSizeBytesMax: 10,
      creditSizeBytes,
      positions: Object.entries(offsets).map(([topic, offset]) => ({
        topic,
        partition: 0,
        offset,
        leaderEpoch: null,
        lastEpoch: null,
      })),
      removed: [],
    });
    expect(refusal).toBeNull();
  }

  credit(
    sizeBytes: number,
    offsets: Readonly<Record<string, number>>,
    round = 1,
  ) {
    const positions = Object.entries(offsets).map(([topic, offset]) => ({
      topic,
      partition: 0,
      round,
      offset,
    }));
    this.subscriptions.credit({ subscription: 1, sizeBytes, positions });
  }

  async append(topic: string, count: number): Promise<void> {
    this.lengths.set(topic, (this.lengths.get(topic) ?? 0) + count);
    for (const wake of [...this.#wakes]) wake();
    await this.settle();
  }

  drain(): void {
    this.isPeerFull = false;
    this.#writable();
  }

  /** What was pushed since the last time, when nothing moves any more. */
  async taken(): Promise<readonly string[]> {
    await this.settle();
    return this.pushes.splice(0);
  }

  async settle(): Promise<void> {
    for (let turn = 0; turn < 3; turn += 1) {
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  readonly #fetch: Fetch = async ({ closed }, { waitMsMax, partitions }) => {
    const [wanted] = partitions;
    if (wanted === undefined) return [];
    if (waitMsMax > 0 && this.#available(wanted) === 0) {
      this.waitingCount += 1;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          if (!closed.aborted && this.#available(wanted) === 0) return;
          this.#wakes.delete(wake);
          resolve();
        };
        this.#wakes.add(wake);
        closed.addEventListener("abort", wake);
      });
      this.waitingCount -= 1;
    }
    return [this.#read(wanted)];
  };

  #available({ topic, offset }: FetchPartition): number {
    return (this.lengths.get(topic) ?? 0) - offset;
  }

  #read(wanted: FetchPartition): FetchResult {
    this.readCount += 1;
    const marks = { highWatermark: this.lengths.get(wanted.topic) ?? 0 };
    const availableCount = this.#available(wanted);
    if (availableCount < 0) {
      const error = "offset-out-of-range";
      return { error, detail: null, ...marks, startOffset: 0 };
    }
    const count = Math.min(availableCount, Math.max(1, wanted.sizeBytesMax));
    this.heldCount += 1;
    const payload = {
      ...payloadOf([new Uint8Array(count)]),
      release: () => {
        this.heldCount -= 1;
      },
    };
    const stableOffset = marks.highWatermark;
    return { error: null, payload, ...marks, stableOffset, startOffset: 0 };
  }

  #pushed(payload: Payload): boolean {
    const bytes = concatBytes(
      payload.parts.flatMap((part) => (part instanceof Uint8Array ? part : [])),
    );
    const pushed = batchesFrames.decode(bytes.subarray(4));
    const { topic, round, offset, error } = pushed.fields;
    const count = pushed.payload.length;
    const what = error === null ? `${offset}+${count}` : error.code;
    this.pushes.push(`${topic} ${what} round ${round}`);
    payload.release();
    return !this.isPeerFull;
  }
}

test("pushes what is there, then waits for the position, then for an append", async () => {
  const world = new World();
  await world.append("a", 15);
  world.subscribe(100, { a: 0 });
  expect(await world.taken()).toEqual(["a 0+10 round 1"]);
  await world.append("a", 3);
  expect(await world.taken()).toEqual([]);
  world.credit(0, { a: 10 });
  expect(await world.taken()).toEqual(["a 10+8 round 1"]);
  world.credit(0, { a: 18 });
  expect(await world.taken()).toEqual([]);
  expect(world.waitingCount).toBe(1);
  await world.append("a", 1);
  expect(await world.taken()).toEqual(["a 18+1 round 1"]);
});

test("nothing is read without credit, and a push may overdraw it once", async () => {
  const world = new World();
  await world.append("a", 30);
  world.subscribe(0, { a: 0 });
  expect(await world.taken()).toEqual([]);
  expect(world.readCount).toBe(0);
  world.credit(4, {});
  expect(await world.taken()).toEqual(["a 0+4 round 1"]);
  world.credit(0, { a: 4 });
  expect(await world.taken()).toEqual([]);
  world.credit(100, {});
  expect(await world.taken()).toEqual(["a 4+10 round 1"]);
});

test("an append that comes when the credit is used up is read again later", async () => {
  const world = new World();
  await world.append("a", 5);
  world.subscribe(5, { a: 0, b: 0 });
  expect(await world.taken()).toEqual(["a 0+5 round 1"]);
  // b was never looked at: credit went to a.
  await world.append("b", 2);
  expect(await world.taken()).toEqual([]);
  world.credit(2, {});
  expect(await world.taken()).toEqual(["b 0+2 round 1"]);
  world.credit(1, { a: 5, b: 2 });
  await world.settle();
  expect(world.waitingCount).toBe(2);
  await world.append("a", 3);
  await world.append("b", 3);
  expect(await world.taken()).toEqual(["a 5+3 round 1"]);
  expect(world.heldCount).toBe(0);
  world.credit(9, {});
  expect(await world.taken()).toEqual(["b 2+3 round 1"]);
});

test("a peer that does not read is not pushed to until it has drained", async () => {
  const world = new World();
  await world.append("a", 5);
  await world.append("b", 5);
  world.isPeerFull = true;
  world.subscribe(100, { a: 0, b: 0 });
  expect(await world.taken()).toEqual(["a 0+5 round 1"]);
  expect(world.heldCount).toBe(0);
  world.drain();
  expect(await world.taken()).toEqual(["b 0+5 round 1"]);
});

test("partitions take turns", async () => {
  const world = new World();
  for (const topic of ["a", "b", "c"]) await world.append(topic, 20);
  world.subscribe(100, { a: 0, b: 0, c: 0 });
  const first = await world.taken();
  world.credit(0, { a: 10, b: 10, c: 10 });
  const second = await world.taken();
  expect([...first, ...second].map((push) => push[0])).toEqual([..."abcabc"]);
});

test("a replaced position is pushed anew, and the old round's credit says nothing", async () => {
  const world = new World();
  await world.append("a", 20);
  world.subscribe(100, { a: 0 });
  await world.taken();
  world.subscribe(0, { a: 15 }, 2);
  expect(await world.taken()).toEqual(["a 15+5 round 2"]);
  world.credit(0, { a: 0 });
  expect(await world.taken()).toEqual([]);
  world.credit(0, { a: 20 }, 2);
  await world.append("a", 1);
  expect(await world.taken()).toEqual(["a 20+1 round 2"]);
});

test("replacing and ending take back the fetches that wait, and nothing is held", async () => {
  const world = new World();
  world.subscribe(100, { a: 0, b: 0 });
  await world.settle();
  expect(world.waitingCount).toBe(2);
  world.subscribe(0, { a: 0 }, 2);
  await world.settle();
  expect(world.waitingCount).toBe(2);
  world.subscriptions.end();
  await world.append("a", 1);
  expect(world.waitingCount).toBe(0);
  expect(world.heldCount).toBe(0);
  expect(await world.taken()).toEqual([]);
});

test("an error ends its partition only, until it is subscribed again", async () => {
  const world = new World();
  await world.append("b", 1);
  world.subscribe(100, { a: 7, b: 0 });
  expect(await world.taken()).toEqual([
    "a offset-out-of-range round 1",
    "b 0+1 round 1",
  ]);
  await world.append("a", 9);
  expect(await world.taken()).toEqual([]);
  world.subscribe(0, { a: 7 }, 2);
  expect(await world.taken()).toEqual(["a 7+2 round 2"]);
});

test.each([0, -1, -(2 ** 31)])(
  "pushes of at most %i bytes are refused: reading them would never end",
  (partitionSizeBytesMax) => {
    const { subscriptions } = new World();
    const refusal = subscriptions.subscribe(context, {
      subscription: 1,
      round: 1,
      isCommittedOnly: false,
      partitionSizeBytesMax,
      creditSizeBytes: 100,
      positions: [
        {
          topic: "a",
          partition: 0,
          offset: 0,
          leaderEpoch: null,
          lastEpoch: null,
        },
      ],
      removed: [],
    });
    expect(refusal?.error).toBe("invalid-request");
    expect(subscriptions.count).toBe(0);
  },
);
