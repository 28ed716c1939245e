import { describe, expect, it } from "vitest";
import {
  encodeProducerSnapshot,
  decodeProducerSnapshot,
} from "../../../broker/storage/producer-snapshot.ts";
import { ProducerState } from "../../../broker/storage/producer-state.ts";
import { TestStorage, append, batchOf, readAll } from "./support.ts";

const MAX = 0x7fffffff;

/** Batches of one producer: `epoch sequence+count`; the answer is an offset, `dup` and an offset, or the refusal. */
function play(lines: string): string[] {
  const state = new ProducerState();
  let offset = 0;
  return lines
    .trim()
    .split("\n")
    .map((line) => {
      const match = /^\s*(\d+)\s+(\d+|max(?:-\d+)?)\+(\d+)/.exec(line);
      const text = match?.[2] ?? "";
      const batch = {
        producerId: 7,
        producerEpoch: Number(match?.[1]),
        baseSequence: text.startsWith("max")
          ? MAX - Number(text.slice(4) || 0)
          : Number(text),
        recordCount: Number(match?.[3]),
      };
      const answer = state.check(batch);
      if (answer.error !== null) return answer.error;
      if (answer.duplicate !== null)
        return `dup ${answer.duplicate.baseOffset}`;
      const baseOffset = offset;
      offset += batch.recordCount;
      state.apply(
        {
          ...batch,
          baseOffset,
          lastOffset: offset - 1,
          maxTimestampMs: 5,
          isTransactional: false,
          isControl: false,
        },
        5,
      );
      return String(baseOffset);
    });
}

/** Each line with its expected answer behind `->`. */
function table(lines: string): void {
  const expected = lines
    .trim()
    .split("\n")
    .map((line) => line.split("->")[1]?.trim());
  expect(play(lines)).toEqual(expected);
}

describe("the sequence rules", () => {
  it("accept what follows, and know a batch that comes again", () => {
    table(`
      0 0+3   -> 0
      0 3+1   -> 3
      0 0+3   -> dup 0
      0 3+1   -> dup 3
      0 4+1   -> 4
      0 6+1   -> out-of-order-sequence
      0 0+2   -> out-of-order-sequence
    `);
  });

  it("accept any first sequence of a producer that is not known", () => {
    table(`
      3 100+2 -> 0
      3 102+1 -> 2
    `);
  });

  it("know the last five batches and no more", () => {
    table(`
      0 0+1   -> 0
      0 1+1   -> 1
      0 2+1   -> 2
      0 3+1   -> 3
      0 4+1   -> 4
      0 5+1   -> 5
      0 1+1   -> dup 1
      0 0+1   -> out-of-order-sequence
    `);
  });

  it("start a new epoch at 0 and refuse the old one", () => {
    table(`
      1 0+1   -> 0
      2 1+1   -> out-of-order-sequence
      2 0+1   -> 1
      1 1+1   -> invalid-producer-epoch
      2 0+1   -> dup 1
    `);
  });

  it("go on at 0 behind 2^31 - 1, also inside a batch", () => {
    table(`
      0 max+1   -> 0
      0 0+1     -> 1
      0 max+1   -> dup 0
    `);
    table(`
      0 max-1+4 -> 0
      0 2+1     -> 4
      0 max-1+4 -> dup 0
    `);
  });
});

describe("producer state", () => {
  it("forgets producers that were silent for long, unless a transaction is open", () => {
    const state = new ProducerState();
    const batch = {
      producerEpoch: 0,
      baseSequence: 0,
      recordCount: 1,
      baseOffset: 0,
      lastOffset: 0,
      maxTimestampMs: 0,
      isControl: false,
    };
    state.apply({ ...batch, producerId: 1, isTransactional: false }, 100);
    state.apply({ ...batch, producerId: 2, isTransactional: true }, 100);
    state.expire(1099, 1000);
    expect(state.count).toBe(2);
    state.expire(1100, 1000);
    expect([...state.entries()].map((entry) => entry.producerId)).toEqual([2]);
  });

  it("is written as Kafka writes it, and read back", () => {
    const entry = {
      producerId: 4000,
      epoch: 2,
      batches: [
        { lastSequence: 9, lastOffset: 120, offsetDelta: 4, timestampMs: 1700 },
      ],
      seenMs: 1700,
      timestampMs: 1700,
      coordinatorEpoch: -1,
      transactionFirstOffset: null,
    };
    const bytes = encodeProducerSnapshot([entry], 1);
    expect(Buffer.from(bytes).toString("hex")).toMatchInlineSnapshot(
      `"00018abd2a36000000010000000000000fa000020000000900000000000000780000000400000000000006a4ffffffffffffffffffffffff"`,
    );
    expect(decodeProducerSnapshot(bytes)).toEqual([entry]);
    const broken = new Uint8Array(bytes);
    broken[20] = 1;
    expect(decodeProducerSnapshot(broken)).toBe(null);
    expect(decodeProducerSnapshot(bytes.subarray(0, 30))).toBe(null);
  });

  it("survives a clean stop, a crash, and a roll", async () => {
    for (const isClean of [true, false]) {
      const storage = new TestStorage({ segmentSizeBytes: 150 });
      const batch = (baseSequence: number) => ({
        values: ["x"],
        producer: { id: 7, epoch: 1, baseSequence },
      });
      const log = await storage.open();
      for (const sequence of [0, 1, 2]) await append(log, batch(sequence));
      const again = await storage.reopen(isClean);
      expect(await append(again, batch(2))).toMatchObject({
        isDuplicate: true,
        baseOffset: 2,
      });
      expect(again.append(batchOf(batch(4)))).toMatchObject({
        error: "out-of-order-sequence",
      });
      expect(await append(again, batch(3))).toMatchObject({
        isDuplicate: false,
        baseOffset: 3,
      });
      expect((await readAll(again)).length).toBe(4);
    }
  });
});
