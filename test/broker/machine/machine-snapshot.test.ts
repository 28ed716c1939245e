import { expect, test } from "vitest";
import { FakeLog, FakeSnapshots } from "./fake-log.ts";
import { settle, startedRig } from "./support.ts";

test("a clean stop leaves a snapshot, and the next start reads nothing else", async () => {
  const { runtime, machine, log, snapshots } = await startedRig();
  for (const name of ["a", "b", "a"]) await runtime.run(machine.add(name));
  await runtime.close();
  expect(snapshots.newest?.endOffset).toBe(3);

  const reopened = log.reopened();
  const second = await startedRig({ log: reopened, snapshots });
  expect([...second.machine.values]).toEqual([
    ["a", 2],
    ["b", 1],
  ]);
  expect(reopened.readCount).toBe(0);
  expect(reopened.syncCount).toBe(0);
});

test("records of a snapshot stand at the last offset that it covers", async () => {
  const { runtime, machine, log, snapshots } = await startedRig();
  await runtime.run(machine.addAll(["a", "b", "c"]));
  await runtime.close();
  const second = await startedRig({ log: log.reopened(), snapshots });
  expect(second.machine.positions.map(({ offset }) => offset)).toEqual([
    2, 2, 2,
  ]);
});

test("the log behind a snapshot is replayed upon it", async () => {
  const { runtime, machine, log, snapshots } = await startedRig();
  await runtime.run(machine.add("a"));
  await runtime.close();
  const second = await startedRig({ log: log.reopened(), snapshots });
  await second.runtime.run(second.machine.add("a"));
  const third = await startedRig({ log: second.log.reopened(), snapshots });
  expect(third.machine.values.get("a")).toBe(2);
  expect(third.machine.positions.map(({ offset }) => offset)).toEqual([0, 1]);
});

test("a snapshot is taken when the log has grown by the interval", async () => {
  const { runtime, machine, snapshots } = await startedRig({
    snapshotIntervalSizeBytes: 300,
  });
  for (let count = 0; count < 10; count++) {
    await runtime.run(machine.add("a"));
    await settle();
  }
  expect(snapshots.saveCount).toBeGreaterThan(1);
  expect(snapshots.saveCount).toBeLessThan(10);
});

test("a snapshot waits until all that it says is durable", async () => {
  const { runtime, machine, log, snapshots } = await startedRig({
    log: new FakeLog(false),
    snapshotIntervalSizeBytes: 1,
  });
  void runtime.run(machine.add("a"));
  void runtime.run(machine.add("a"));
  log.makeDurable(1);
  await settle();
  expect(snapshots.newest).toBeNull();
  log.failWrite("no space");
  await settle();
  expect(snapshots.newest).toBeNull();
  expect(machine.values.get("a")).toBe(1);
});

test("a damaged snapshot is passed over with a word to the operator", async () => {
  const { runtime, machine, log, snapshots } = await startedRig();
  await runtime.run(machine.addAll(["a", "b"]));
  await runtime.close();
  snapshots.newest?.bytes.set([0xff], 70);
  const second = await startedRig({ log: log.reopened(), snapshots });
  expect([...second.machine.values.keys()]).toEqual(["a", "b"]);
  expect(second.warnings).toHaveLength(1);
});

test("a snapshot without its end is passed over", async () => {
  const { runtime, machine, log, snapshots } = await startedRig();
  await runtime.run(machine.addAll(["a", "b"]));
  await runtime.close();
  const { newest } = snapshots;
  if (newest === null) throw new Error("no snapshot");
  snapshots.newest = { ...newest, bytes: newest.bytes.slice(0, -1) };
  const second = await startedRig({ log: log.reopened(), snapshots });
  expect([...second.machine.values.keys()]).toEqual(["a", "b"]);
  expect(second.warnings).toHaveLength(1);
});

test("a snapshot that says more than the log is passed over", async () => {
  const { runtime, machine, snapshots } = await startedRig();
  await runtime.run(machine.add("a"));
  await runtime.close();
  const second = await startedRig({ log: new FakeLog(), snapshots });
  expect(second.machine.values.size).toBe(0);
  expect(second.warnings).toHaveLength(1);
});

test("a snapshot that cannot be written stops nothing", async () => {
  const snapshots = new FakeSnapshots();
  snapshots.saveFault = "no space";
  const { runtime, machine, warnings } = await startedRig({ snapshots });
  await runtime.run(machine.add("a"));
  await runtime.close();
  expect(warnings).toEqual(["no snapshot was written: no space"]);
});

test("a long history is read piece by piece", async () => {
  const { runtime, machine, log } = await startedRig();
  for (let count = 0; count < 50; count++) await runtime.run(machine.add("a"));
  const reopened = log.reopened();
  // Cuts batches in the middle.
  reopened.readSizeBytesMax = 500;
  const second = await startedRig({ log: reopened });
  expect(second.machine.values.get("a")).toBe(50);
  expect(reopened.readCount).toBeGreaterThan(5);
});

test("a state of many records makes a snapshot of several batches", async () => {
  const { runtime, machine, log, snapshots } = await startedRig();
  const names = Array.from({ length: 20_000 }, (_, index) => `name-${index}`);
  await runtime.run(machine.addAll(names));
  await runtime.close();
  const second = await startedRig({ log: log.reopened(), snapshots });
  expect(second.machine.values.size).toBe(names.length);
});

test("a snapshot can be asked for, and says whether it has all up to now", async () => {
  const { runtime, machine, log, snapshots } = await startedRig({
    log: new FakeLog(false),
  });
  void runtime.run(machine.add("a"));
  let saved: boolean | null = null;
  void runtime.saveSnapshot().then((isSaved) => (saved = isSaved));
  await settle();
  expect(saved).toBeNull();
  log.makeDurable(1);
  await settle();
  expect(saved).toBe(true);
  expect(snapshots.newest?.endOffset).toBe(1);
  // Nothing is new.
  expect(await runtime.saveSnapshot()).toBe(true);
  expect(snapshots.saveCount).toBe(1);
});

test("a machine that is not ready has no snapshot to give", async () => {
  const { runtime } = await startedRig();
  await runtime.close();
  expect(await runtime.saveSnapshot()).toBe(false);
});
