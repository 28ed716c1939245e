/** A .txnindex as Kafka writes it, beside a log with transactions, and what `verify` says when they differ. */
import { describe, expect, test } from "vitest";
import { VerifyContext } from "../../../broker/inspect/verify-context.ts";
import {
  type PartitionFacts,
  verifyPartition,
} from "../../../broker/inspect/verify-partition.ts";
import { writeInt64 } from "../../../broker/lib/bytes.ts";
import { MemoryDisk } from "../../../broker/platform/memory/memory-disk.ts";
import { buildBatch } from "../../../broker/record/batch-builder.ts";
import { buildMarkerBatch } from "../../../broker/record/control-record.ts";

const clean: PartitionFacts = {
  isClean: true,
  recoveryPoint: 0,
  startOffset: null,
  mayBeSparse: false,
};
const timestampMs = 1_700_000_000_000;

function data(producerId: number): Uint8Array {
  const records = [{ key: null, value: null, headers: [], timestampMs }];
  const producer = { id: producerId, epoch: 0, baseSequence: 0 };
  return buildBatch(records, { producer, isTransactional: true });
}

function marker(producerId: number, type: "abort" | "commit"): Uint8Array {
  const options = { producerId, producerEpoch: 0, timestampMs };
  return buildMarkerBatch({ type, coordinatorEpoch: 0 }, options);
}

/** 7 is aborted from 0 to 4, 8 committed from 1 to 3, 9 has nothing to abort at 5, 7 is aborted from 6 to 7. */
const batches = [
  data(7),
  data(8),
  data(7),
  marker(8, "commit"),
  marker(7, "abort"),
  marker(9, "abort"),
  data(7),
  marker(7, "abort"),
];
type Entry = readonly [producerId: number, first: number, last: number];
const right: readonly Entry[] = [
  [7, 0, 4],
  [7, 6, 7],
];

interface Given {
  readonly entries: readonly Entry[] | null;
  readonly facts?: Partial<PartitionFacts>;
  /** Offset of the first batch; those before were deleted. */
  readonly from?: number;
  readonly flipAt?: number;
}

async function found(given: Given): Promise<string[]> {
  const { entries, facts = {}, from = 0, flipAt } = given;
  const disk = new MemoryDisk();
  await disk.createDirectory("/data/p-0");
  const write = async (kind: string, parts: readonly Uint8Array[]) => {
    const name = `${String(from).padStart(20, "0")}.${kind}`;
    const file = await disk.open(`/data/p-0/${name}`, "create");
    await file.append(parts);
    await file.close();
  };
  const log = batches.map((batch, offset) => {
    const copy = Uint8Array.from(batch);
    writeInt64(copy, 0, offset);
    if (offset === flipAt) copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1;
    return copy;
  });
  await write("log", log.slice(from));
  if (entries !== null) {
    const index = entries.map(([producerId, first, last]) => {
      const entry = new Uint8Array(34);
      writeInt64(entry, 2, producerId);
      writeInt64(entry, 10, first);
      writeInt64(entry, 18, last);
      return entry;
    });
    await write("txnindex", index);
  }
  const details: string[] = [];
  const context = new VerifyContext(
    disk,
    "/data",
    { records: false },
    {
      finding: ({ kind, position, detail }) => {
        if (kind === "wrong-transaction-index") {
          details.push(`${position}: ${detail}`);
        }
      },
      progress: () => {},
    },
  );
  const place = { topic: "p", partition: 0, name: "p-0" };
  await verifyPartition(context, place, { ...clean, ...facts }, null);
  return details;
}

test("what Kafka writes is right", async () => {
  expect(await found({ entries: right })).toEqual([]);
});

describe("an index that is not its log's is told:", () => {
  test.each<readonly [string, readonly Entry[] | null, string]>([
    ["another producer", [[9, 0, 4]], "0: the log has no marker of producer 9"],
    ["a commit", [[8, 1, 3]], "0: the log has no marker of producer 8 at 3"],
    ["no marker", [[7, 0, 2]], "0: the log has no marker of producer 7 at 2"],
    ["another beginning", [[7, 2, 4]], "0: a transaction of producer 7 from 2"],
    ["nothing to abort", [[7, 0, 4], [9, 5, 5]], "34: a transaction of producer 9 from 5; the log has it from nowhere"], // prettier-ignore
    ["the second is missing", [[7, 0, 4]], "34: the transaction of producer 7 from 6 to 7 is not in it"], // prettier-ignore
    ["no entry", [], "0: the transaction of producer 7 from 0 to 4"],
    ["no file", null, "0: the transaction of producer 7 from 0 to 4"],
  ])("%s", async (_name, entries, detail) => {
    const [first, ...more] = await found({ entries });
    expect(first).toContain(detail);
    expect(more).toEqual([]);
  });
});

describe("less is asked", () => {
  test("of the newest segment after a crash: the next opening builds its index", async () => {
    const facts = { isClean: false };
    expect(await found({ entries: [[7, 0, 4]], facts })).toEqual([]);
    // What it has must be right all the same.
    expect(await found({ entries: [[9, 0, 4]], facts })).toHaveLength(1);
  });

  test("where a log was compacted", async () => {
    const facts = { mayBeSparse: true };
    expect(await found({ entries: [[7, 2, 4]], facts })).toEqual([]);
    expect(await found({ entries: [[8, 1, 3]], facts })).toHaveLength(1);
  });

  test("of a transaction that began below the log's start", async () => {
    expect(await found({ entries: right, from: 2 })).toEqual([]);
  });

  test("behind a batch that nobody can read", async () => {
    expect(await found({ entries: [[9, 0, 4]], flipAt: 3 })).toEqual([]);
  });
});
