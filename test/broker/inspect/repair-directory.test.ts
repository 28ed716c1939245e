import { describe, expect, test } from "vitest";
import type { Finding } from "../../../broker/inspect/finding.ts";
import { DiskError } from "../../../broker/platform/disk.ts";
import { MemoryDisk } from "../../../broker/platform/memory/memory-disk.ts";
import { FailingDisk } from "../../support/failing-disk.ts";
import { batchOf } from "../storage/support.ts";
import {
  batchSize,
  bitsAtRest,
  cut,
  type Damage,
  flip,
  lastLog,
  secondLog,
  whatCrashesLeave,
  write,
} from "./damages.ts";
import { directory, firstLog, TestDirectory } from "./test-directory.ts";

/** What stays of the records in `orders-0` when these bytes are gone. */
function without(all: readonly string[], findings: readonly Finding[]) {
  const lost = new Set<number>();
  for (const { kind, path, position, sizeBytes } of findings) {
    if (kind !== "damaged-batch" && kind !== "torn-tail") continue;
    const base = /^orders-0\/(\d{20})\.log$/.exec(path)?.[1];
    if (base === undefined || position === null || sizeBytes === null) continue;
    // Two records a batch.
    for (let at = position; at < position + sizeBytes; at += batchSize) {
      const offset = Number(base) + 2 * Math.floor(at / batchSize);
      lost.add(offset).add(offset + 1);
    }
  }
  return all.filter((record) => !lost.has(Number.parseInt(record, 10)));
}

describe("a repair", () => {
  test("of a directory that nothing happened to does nothing", async () => {
    const made = await TestDirectory.make();
    const { plan, keptIn } = await made.repair();
    expect({ steps: plan.steps, left: plan.leftCount, keptIn }).toEqual({
      ...{ steps: [], left: 0, keptIn: null },
    });
  });

  const damages = [
    ...bitsAtRest.map((one) => [...one, true] as const),
    ...whatCrashesLeave.map((one) => [...one, false] as const),
  ];

  test.each(damages)("of %s", async (_name, damage, _found, isClean) => {
    const untouched = await TestDirectory.make();
    const all = await untouched.served();
    const made = await TestDirectory.make();
    if (!isClean) await made.crash();
    await damage(made);
    const { findings } = await made.verify();
    const { plan, keptIn } = await made.repair();
    const left = findings.filter(({ fix }) => fix === null);
    expect(plan.leftCount).toBe(left.length);

    const after = await made.verify();
    expect(after.findings.map(({ kind }) => kind)).toEqual(
      left.map(({ kind }) => kind),
    );
    const again = await made.repair();
    expect(again.plan.steps).toEqual([]);
    if (keptIn !== null) {
      const manifest = await made.bytesOf(`${keptIn}/repair.jsonl`);
      const lines = new TextDecoder().decode(manifest).trim().split("\n");
      expect(JSON.parse(lines.at(-1) ?? "")).toEqual({ action: "done" });
    }
    if (left.some(({ kind }) => kind === "emptied-log")) return;
    expect(await made.served()).toEqual(without(all, findings));
  });
});

test("a repair after a reboot leaves no gap for which an opening gives up what lies behind it", async () => {
  const written = await TestDirectory.make({ isClean: false });
  const all = await written.served();
  const rebooted = async () => {
    const made = await written.copy(new MemoryDisk({ bootId: "this one" }));
    await made.crash();
    await made.write("millrace.boot", "one before\n");
    // The last batch of a segment that others follow.
    await flip(firstLog, -1)(made);
    return made;
  };
  const made = await rebooted();
  const { findings } = await made.verify();
  await made.repair();
  expect((await made.verify()).findings).toEqual([]);
  expect(await made.served()).toEqual(without(all, findings));
  // Such an opening cuts what nobody repaired.
  expect(await (await rebooted()).served()).toHaveLength(6);
});

test("a repair after a crash trusts no index that nobody looked at", async () => {
  const made = await TestDirectory.make();
  const all = await made.served();
  await made.crash();
  await flip(firstLog, 70)(made);
  // Room reserved, as far as one can see: an opening would build it anew.
  await made.change("orders-0/00000000000000000008.index", (bytes) =>
    bytes.fill(0),
  );
  const { findings } = await made.verify();
  await made.repair();
  expect((await made.verify()).findings).toEqual([]);
  expect(await made.served()).toEqual(without(all, findings));
});

/** Of a disk that does its work up to a call, and none after it: a process that is killed there. */
async function diesAt(
  made: TestDirectory,
  step: number,
): Promise<{ readonly died: boolean }> {
  let calls = 0;
  const disk = new FailingDisk(made.disk, ({ operation }) => {
    if (!changing.has(operation)) return null;
    calls += 1;
    if (calls < step) return null;
    return { code: "EIO", writtenSizeBytes: calls === step ? 7 : 0 };
  });
  try {
    await made.repair(disk);
    return { died: false };
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    return { died: true };
  }
}

const changing = new Set([
  ...["open", "append", "sync", "rename", "remove", "removeDirectory"],
  ...["createDirectory", "syncDirectory"],
]);

describe("a repair that is killed", () => {
  const cases: readonly (readonly [string, readonly Damage[]])[] = [
    [
      "in a sealed segment, with all there is to repair",
      [
        flip(firstLog, batchSize + 11),
        flip(secondLog, batchSize + 7),
        flip("orders-0/00000000000000000016.index", 3),
        flip("orders-0/00000000000000000008.snapshot", 20),
        write("orders-0/leader-epoch-checkpoint", "0\n1\n0 4\n"),
        write("orders-0/x.tmp", ""),
        write("log-start-offset-checkpoint", "0\n1\nothers 0 x\n"),
        write("meta.properties", ""),
      ],
    ],
    ["at the log's end", [flip(lastLog, -1)]],
  ];

  test.each(cases)(
    "at any step can be done again, and ends as it would have: %s",
    { timeout: 60_000 },
    async (_name, damages) => {
      const whole = await TestDirectory.make();
      const all = await (await whole.copy()).served();
      for (const damage of damages) await damage(whole);
      const { findings } = await whole.verify();
      const undisturbed = await whole.copy();
      await undisturbed.repair();
      const expected = await filesOf(undisturbed);
      expect(await undisturbed.served()).toEqual(without(all, findings));
      for (let step = 1; ; step++) {
        const made = await whole.copy();
        const { died } = await diesAt(made, step);
        await made.repair();
        expect(await made.found()).toEqual([]);
        expect(await filesOf(made)).toEqual(expected);
        if (!died) break;
      }
    },
  );

  test(
    "and opened by a broker then, loses nothing that holds either",
    { timeout: 60_000 },
    async () => {
      const whole = await TestDirectory.make();
      const all = await (await whole.copy()).served();
      await flip(firstLog, batchSize + 70)(whole);
      const { findings } = await whole.verify();
      for (let step = 1; ; step++) {
        const made = await whole.copy();
        const { died } = await diesAt(made, step);
        await (await made.openBroker()).close();
        await made.repair();
        expect(await made.served()).toEqual(without(all, findings));
        if (!died) break;
      }
    },
  );
});

/** All that is in the partition's directory, by name. */
async function filesOf(made: TestDirectory): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  const entries = await made.disk.list(`${directory}/orders-0`);
  for (const { name } of [...entries].sort((a, b) =>
    a.name < b.name ? -1 : 1,
  )) {
    files.set(name, await made.bytesOf(`orders-0/${name}`));
  }
  return files;
}

test("a repair that finds no room changes nothing, and takes none", async () => {
  const made = await TestDirectory.make();
  await flip(firstLog, batchSize + 70)(made);
  const before = await made.found();
  const files = await filesOf(made);
  const full = new FailingDisk(made.disk, ({ operation, path }) =>
    operation === "append" && path.endsWith(".log.tmp")
      ? { code: "ENOSPC", writtenSizeBytes: 10 }
      : null,
  );
  await expect(made.repair(full)).rejects.toMatchObject({ code: "ENOSPC" });
  expect(await made.found()).toEqual(before);
  expect(await filesOf(made)).toEqual(files);
});

test("what a repair takes away can be put back", async () => {
  const made = await TestDirectory.make();
  await flip(firstLog, batchSize + 70)(made);
  const before = await made.bytesOf(firstLog);
  const { keptIn } = await made.repair();
  const removed = await made.bytesOf(`${keptIn}/${firstLog}.removed`);
  expect(removed).toEqual(before.subarray(batchSize, 2 * batchSize));
  const manifest = new TextDecoder().decode(
    await made.bytesOf(`${keptIn}/repair.jsonl`),
  );
  expect(manifest).toContain(
    `"path":"${firstLog}","position":79,"sizeBytes":79`,
  );
  expect(await made.bytesOf(firstLog)).toEqual(
    new Uint8Array([
      ...before.subarray(0, batchSize),
      ...before.subarray(2 * batchSize),
    ]),
  );
});

test("a log that lost its end goes on where it was to go on", async () => {
  const made = await TestDirectory.make();
  await flip(lastLog, -1)(made);
  await made.repair();
  const broker = await made.openBroker();
  const [produced] = await broker.operations.produce(made.context, {
    acks: -1,
    timeoutMs: 1_000,
    transactionalId: null,
    partitions: [{ topic: "orders", partition: 0, records: batchOf("new") }],
  }).results;
  await broker.close();
  expect(produced).toMatchObject({ error: null, baseOffset: 24 });
  expect((await made.served()).slice(-2)).toEqual(["21:b0", "24:new"]);
});

test("files of segments that nothing was found about stay as they are, byte for byte", async () => {
  const made = await TestDirectory.make();
  // As Kafka may have them: fewer entries than we would write.
  await cut("orders-0/00000000000000000008.index", 8)(made);
  const names = ["log", "index", "timeindex"].map(
    (suffix) => `orders-0/00000000000000000008.${suffix}`,
  );
  const before = await Promise.all(names.map((name) => made.bytesOf(name)));
  await flip(firstLog, batchSize + 70)(made);
  await made.repair();
  const after = await Promise.all(names.map((name) => made.bytesOf(name)));
  expect(after).toEqual(before);
});

test("rebuilt indexes are those that the broker would have written", async () => {
  const made = await TestDirectory.make();
  const names = ["index", "timeindex"].map(
    (suffix) => `orders-0/00000000000000000000.${suffix}`,
  );
  // By the topic's own interval there are no entries but the last timestamp's.
  for (const name of names) await flip(name, 3)(made);
  await made.repair();
  const [index, timeindex] = await Promise.all(
    names.map((name) => made.bytesOf(name)),
  );
  expect(index).toHaveLength(0);
  expect(timeindex).toHaveLength(12);
});

test.each([
  ["the catalog", "__cluster_metadata-0"],
  ["the groups", "__consumer_offsets-0"],
])(
  "a broker goes on with %s whose last batch was taken out",
  async (_name, partition) => {
    const made = await TestDirectory.make();
    const before = await made.openBroker();
    await made.createTopic(before, "last");
    await before.close();
    const entries = await made.disk.list(`${directory}/${partition}`);
    for (const { name } of entries) {
      // Without its snapshot, so that the log is read from its start.
      if (!name.endsWith(".checkpoint")) continue;
      await made.disk.remove(`${directory}/${partition}/${name}`);
    }
    await flip(`${partition}/00000000000000000000.log`, -1)(made);
    await made.repair();
    expect(await made.found()).toEqual([]);
    expect(await made.served()).toHaveLength(24);
    const broker = await made.openBroker();
    await made.createTopic(broker, "more");
    await made.commitOffset(broker);
    await broker.close();
    expect(await made.found()).toEqual([]);
  },
);
