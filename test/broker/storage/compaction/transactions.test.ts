/**
 * Transactions in compacted logs, one line a batch:
 *
 *   data   P  a=1 b=2     a batch of producer P's transaction
 *   plain  -  a=1         a batch without a producer
 *   commit P              a marker; abort P
 *   seq    P  a=1         a batch of an idempotent producer, in no transaction
 *
 * and what a pass leaves of it: base and last offset, the records or the marker.
 */
import { describe, expect, it } from "vitest";
import {
  baseOffsetOf,
  hasDeleteHorizon,
  isControl,
  lastOffsetOf,
} from "../../../../broker/record/batch.ts";
import { parseMarker } from "../../../../broker/record/control-record.ts";
import { recordsIn } from "../support.ts";
import { TestLog, allBatches, keyedBatch, markerBatch } from "./support.ts";

const ids: Readonly<Record<string, number>> = { P: 11, Q: 12 };

/** Sequences go on from batch to batch. */
class Transactions {
  readonly test: TestLog;
  readonly #sequences = new Map<number, number>();

  constructor(test: TestLog) {
    this.test = test;
  }

  async add(script: string): Promise<void> {
    for (const line of script.trim().split("\n")) {
      const [verb = "", name = "", ...rest] = line.trim().split(/\s+/);
      this.test.timestampMs += 10;
      const { timestampMs } = this.test;
      const id = ids[name] ?? -1;
      if (verb === "commit" || verb === "abort") {
        await this.test.addRaw(
          markerBatch(verb, { id, epoch: 0 }, timestampMs),
        );
        continue;
      }
      const baseSequence = this.#sequences.get(id) ?? 0;
      this.#sequences.set(id, baseSequence + rest.length);
      await this.test.addBytes(
        keyedBatch(rest.join(" "), {
          timestampMs,
          isTransactional: verb === "data",
          ...(id < 0 ? {} : { producer: { id, epoch: 0, baseSequence } }),
        }),
      );
    }
  }

  async compact(): Promise<void> {
    expect(await this.test.compact()).not.toBe(null);
  }

  /** One line a batch; `~` where there is a delete horizon. */
  async lines(): Promise<string[]> {
    const batches = await allBatches(this.test.log);
    return batches.map((batch) => {
      const range = `${baseOffsetOf(batch, 0)}-${lastOffsetOf(batch, 0)}`;
      const horizon = hasDeleteHorizon(batch, 0) ? "~" : "";
      const records = recordsIn(batch).map((record) => {
        if (isControl(batch, 0)) {
          const marker = parseMarker(record);
          return marker !== null && "type" in marker ? marker.type : "?";
        }
        const value = record.value === null ? "-" : record.value.toString();
        return `${String(record.key)}=${value}`;
      });
      return [`${range}${horizon}`, ...records].join(" ");
    });
  }
}

async function open(deleteRetentionMs = 1000): Promise<Transactions> {
  return new Transactions(await TestLog.open({ deleteRetentionMs }));
}

describe("transactions in a compacted log", () => {
  it("aborted data replaces nothing and goes, its marker stays for now", async () => {
    const log = await open();
    await log.add(`
      plain - a=1 b=1
      data  P a=2
      data  Q b=2
      abort P
      commit Q
      plain - c=1
      plain - d=1`);
    await log.compact();
    expect(await log.lines()).toEqual([
      "0-1 a=1",
      // P's last sequence is to be known, so its batch stays without records.
      "2-2",
      "3-3 b=2",
      "4-4 abort",
      "5-5 commit",
      "6-6 c=1",
      "7-7 d=1",
    ]);
  });

  it("a marker goes a pass and delete.retention.ms after its data", async () => {
    const log = await open();
    await log.add(`
      data  P a=1
      abort P
      data  Q b=1
      commit Q
      seq   P x=1
      seq   Q b=2
      plain - d=1`);
    await log.compact();
    expect(await log.lines()).toEqual([
      "1-1 abort",
      "3-3 commit",
      "4-4 x=1",
      "5-5 b=2",
      "6-6 d=1",
    ]);
    await log.add("plain - e=1");
    await log.compact();
    expect((await log.lines()).slice(0, 2)).toEqual([
      "1-1~ abort",
      "3-3~ commit",
    ]);

    log.test.storage.clock.advance(999);
    await log.add("plain - f=1");
    await log.compact();
    expect((await log.lines()).slice(0, 2)).toEqual([
      "1-1~ abort",
      "3-3~ commit",
    ]);

    log.test.storage.clock.advance(1);
    await log.add("plain - g=1");
    await log.compact();
    expect((await log.lines()).slice(0, 2)).toEqual(["4-4 x=1", "5-5 b=2"]);
  });

  it("each transaction of a producer is judged for itself", async () => {
    const log = await open();
    await log.add(`
      data  P a=1
      commit P
      data  P a=2 b=2
      abort P
      data  P b=3
      commit P
      plain - z=1`);
    await log.compact();
    expect(await log.lines()).toEqual([
      "0-0 a=1",
      "1-1 commit",
      "4-4 abort",
      "5-5 b=3",
      "6-6 commit",
      "7-7 z=1",
    ]);
  });

  it("what an aborted transaction wrote before the last pass is known as aborted later", async () => {
    const log = await open();
    await log.add(`
      plain - a=1
      plain - b=1`);
    await log.compact();
    await log.add(`
      data  P a=2
      plain - c=1
      data  P b=2
      abort P
      seq   P x=1
      plain - d=1`);
    await log.compact();
    expect(await log.lines()).toEqual([
      "0-0 a=1",
      "1-1 b=1",
      "3-3 c=1",
      "5-5 abort",
      "6-6 x=1",
      "7-7 d=1",
    ]);
  });

  it("data is known as aborted also where the marker lies in the active segment", async () => {
    const log = await open();
    await log.add(`
      plain - a=1
      data  P a=2
      plain - b=1
      abort P`);
    await log.compact();
    expect(await log.lines()).toEqual([
      "0-0 a=1",
      "1-1",
      "2-2 b=1",
      "3-3 abort",
    ]);
  });

  it("nothing from an open transaction on is compacted", async () => {
    const log = await open();
    await log.add(`
      plain - a=1
      plain - a=2
      data  P a=3
      plain - a=4
      plain - b=1`);
    await log.compact();
    expect(await log.lines()).toEqual([
      "1-1 a=2",
      "2-2 a=3",
      "3-3 a=4",
      "4-4 b=1",
    ]);
  });

  it("a marker that is all that is left of a producer stays, for its epoch", async () => {
    const log = await open(0);
    await log.add(`
      plain - z=1
      commit P
      plain - a=1
      plain - b=1`);
    for (let pass = 0; pass < 3; pass++) {
      await log.compact();
      log.test.storage.clock.advance(1);
      await log.add("plain - b=1");
    }
    // Its record may go, as nothing needs it; the header has the epoch.
    expect((await log.lines())[1]).toBe("1-1");
    await log.test.reopen(false);
    expect((await log.lines())[1]).toBe("1-1");
  });
});

describe("producers of a compacted log", () => {
  it("go on with their sequences after a crash, whatever was compacted", async () => {
    const log = await open(0);
    await log.add(`
      seq P a=1 b=1
      seq Q a=2 b=2 c=2
      plain - a=3 b=3 c=3
      plain - d=1`);
    await log.compact();
    expect(await log.lines()).toEqual([
      "0-1",
      "2-4",
      "5-7 a=3 b=3 c=3",
      "8-8 d=1",
    ]);
    await log.test.reopen(false);
    await log.add(`
      seq P e=1
      seq Q e=2`);
    expect((await log.lines()).slice(-2)).toEqual(["9-9 e=1", "10-10 e=2"]);
  });

  it("answer a batch that is sent again with its old offsets, although it is gone", async () => {
    const log = await open(0);
    await log.add(`
      seq P a=1 b=1
      plain - a=2 b=2
      plain - c=1`);
    await log.compact();
    await log.test.reopen(false);
    const again = log.test.log.append(
      keyedBatch("a=1 b=1", {
        timestampMs: log.test.timestampMs,
        producer: { id: 11, epoch: 0, baseSequence: 0 },
      }),
    );
    expect(again).toMatchObject({
      isDuplicate: true,
      baseOffset: 0,
      lastOffset: 1,
    });
  });
});
