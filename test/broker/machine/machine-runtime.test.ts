import { expect, test } from "vitest";
import { FakeLog } from "./fake-log.ts";
import {
  outcomeOf,
  RELOAD_DELAY_MS,
  rigWith,
  settle,
  startedRig,
} from "./support.ts";

const done = <Answer>(answer: Answer) => ({ error: null, answer });

test("an answer waits until its records are durable, the state does not", async () => {
  const { runtime, machine, log } = await startedRig({
    log: new FakeLog(false),
  });
  const added = outcomeOf(runtime.run(machine.add("a")));
  expect(machine.values.get("a")).toBe(1);
  log.write();
  await settle();
  expect(added.value).toBeNull();
  await log.sync();
  await settle();
  expect(added.value).toEqual(done(1));
});

test("a command reads what the command before it decided", async () => {
  const { runtime, machine } = await startedRig();
  const answers = await Promise.all([
    runtime.run(machine.add("a")),
    runtime.run(machine.add("a")),
  ]);
  expect(answers).toEqual([done(1), done(2)]);
});

test("an answer without records waits for what it may have read", async () => {
  const { runtime, machine, log } = await startedRig({
    log: new FakeLog(false),
  });
  void runtime.run(machine.add("a"));
  const read = outcomeOf(runtime.run(machine.get("a")));
  await settle();
  expect(read.value).toBeNull();
  await log.sync();
  await settle();
  expect(read.value).toEqual(done(1));
});

test("an answer without records waits for nothing where all is durable", async () => {
  const { runtime, machine, log } = await startedRig({
    log: new FakeLog(false),
  });
  expect(await runtime.run(machine.get("a"))).toEqual(done(0));
  expect(log.batchCount).toBe(0);
});

test("a parked command is answered by the decision that releases it, when that is durable", async () => {
  const { runtime, machine, log } = await startedRig({
    log: new FakeLog(false),
  });
  const next = outcomeOf(runtime.run(machine.next("a")));
  await settle();
  expect(next.value).toBeNull();
  void runtime.run(machine.add("a", 5));
  await settle();
  expect(next.value).toBeNull();
  await log.sync();
  await settle();
  expect(next.value).toEqual(done(5));
});

test("a decision's records are one batch", async () => {
  const { runtime, machine, log } = await startedRig();
  await runtime.run(machine.addAll(["a", "b", "c"]));
  await runtime.run(machine.add("a"));
  expect(log.baseOffsets()).toEqual([0, 3]);
  expect(machine.positions.map(({ offset }) => offset)).toEqual([0, 1, 2, 3]);
});

test("the machine hears that records are durable before their answer is given", async () => {
  const { runtime, machine } = await startedRig();
  await runtime.run(machine.addAll(["a", "b"]));
  expect(machine.durableEndOffset).toBe(2);
});

test("commands are refused as loading until the log is loaded", async () => {
  const { runtime, machine } = rigWith();
  expect(await runtime.run(machine.get("a"))).toEqual({
    error: "coordinator-loading",
  });
  await runtime.start();
  expect(await runtime.run(machine.get("a"))).toEqual(done(0));
});

test("a failed write fails its command, all behind it and all parked ones, and loads the log again", async () => {
  const { runtime, machine, log, states } = await startedRig({
    log: new FakeLog(false),
  });
  const kept = outcomeOf(runtime.run(machine.add("a", 10)));
  await log.sync();
  await settle();
  const parkedOne = outcomeOf(runtime.run(machine.next("a")));
  const failing = outcomeOf(runtime.run(machine.add("b")));
  const behind = outcomeOf(runtime.run(machine.add("a")));
  const reading = outcomeOf(runtime.run(machine.get("a")));
  log.failWrite("no space");
  await settle();
  const failure = { error: "coordinator-not-available", detail: "no space" };
  expect(kept.value).toEqual(done(10));
  expect(parkedOne.value).toEqual(failure);
  expect(failing.value).toEqual(failure);
  expect(behind.value).toEqual(failure);
  expect(reading.value).toEqual(failure);
  expect(states.map(({ phase }) => phase)).toEqual([
    "ready",
    "loading",
    "ready",
  ]);
  expect([...machine.values]).toEqual([["a", 10]]);
  expect(await runtime.run(machine.get("a"))).toEqual(done(10));
});

test("while the log is loaded again, commands are refused as loading", async () => {
  const { runtime, machine, log } = await startedRig();
  await runtime.run(machine.add("a"));
  log.isAutomatic = false;
  void runtime.run(machine.add("a"));
  log.failWrite("no space");
  // The failure is known in a microtask, the load needs more than that.
  await Promise.resolve();
  await Promise.resolve();
  expect(await runtime.run(machine.get("a"))).toEqual({
    error: "coordinator-loading",
  });
});

test("an append that the log refuses loses the state that was decided upon", async () => {
  const { runtime, machine, log } = await startedRig();
  const parkedOne = outcomeOf(runtime.run(machine.next("a")));
  log.refusal = "too large";
  expect(await runtime.run(machine.add("a"))).toEqual({
    error: "coordinator-not-available",
    detail: "too large",
  });
  expect(parkedOne.value).toMatchObject({ detail: "too large" });
  await settle();
  expect(await runtime.run(machine.add("a"))).toEqual(done(1));
});

test("what a failed sync left in the log is state again, and is synced before it is shown", async () => {
  const { runtime, machine, log } = await startedRig({
    log: new FakeLog(false),
  });
  const lost = outcomeOf(runtime.run(machine.add("a")));
  log.failSync("I/O error", 1);
  await settle();
  expect(lost.value).toMatchObject({ error: "coordinator-not-available" });
  expect(log.syncCount).toBe(1);
  expect(await runtime.run(machine.get("a"))).toEqual(done(1));
});

test("a log that cannot be read is tried again after the delay", async () => {
  const log = new FakeLog();
  const first = await startedRig({ log });
  await first.runtime.run(first.machine.add("a"));
  log.readFault = "input/output error";
  const { runtime, machine, clock } = rigWith({ log });
  await runtime.start();
  expect(await runtime.run(machine.get("a"))).toEqual({
    error: "coordinator-not-available",
    detail: "input/output error",
  });
  clock.advance(RELOAD_DELAY_MS - 1);
  log.readFault = null;
  await settle();
  expect(runtime.state.phase).toBe("unavailable");
  clock.advance(1);
  await settle();
  expect(await runtime.run(machine.get("a"))).toEqual(done(1));
});

test("a damaged batch makes the machine unavailable, not smaller", async () => {
  const first = await startedRig();
  await first.runtime.run(first.machine.add("a"));
  await first.runtime.run(first.machine.add("a"));
  first.log.damage(0);
  const { runtime } = rigWith({ log: first.log });
  await runtime.start();
  expect(runtime.state).toMatchObject({ phase: "unavailable" });
});

test("a record of a later release that may be skipped is skipped", async () => {
  const { runtime, machine, log } = await startedRig();
  await runtime.run(() => ({
    records: [{ name: "a", value: Number.NaN }],
    answer: null,
    releases: [],
  }));
  await runtime.run(machine.add("b"));
  const reopened = await startedRig({ log: log.reopened() });
  expect(reopened.machine.values.get("b")).toBe(1);
});

test("a timer's expiry is a decision, persisted like any other", async () => {
  const { runtime, machine, log, clock } = await startedRig();
  await runtime.run(machine.addLater("a", 100));
  clock.advance(99);
  expect(machine.values.get("a")).toBeUndefined();
  clock.advance(1);
  expect(machine.values.get("a")).toBe(1);
  expect(log.batchCount).toBe(1);
});

test("a timer scheduled again replaces the one before", async () => {
  const { runtime, machine, clock } = await startedRig();
  await runtime.run(machine.addLater("a", 100));
  clock.advance(60);
  await runtime.run(machine.addLater("a", 100));
  clock.advance(60);
  expect(machine.values.get("a")).toBeUndefined();
  clock.advance(40);
  expect(machine.values.get("a")).toBe(1);
});

test("a timer of a state that was dropped never fires", async () => {
  const { runtime, machine, log, clock } = await startedRig();
  await runtime.run(machine.addLater("a", 100));
  log.refusal = "full";
  await runtime.run(machine.add("b"));
  await settle();
  clock.advance(1_000);
  expect(machine.values.size).toBe(0);
  expect(log.batchCount).toBe(0);
});

test("a bug in a decision takes the machine out of use and tells the broker", async () => {
  const { runtime, machine, crashes } = await startedRig();
  const bug = new Error("a bug");
  const result = await runtime.run(() => {
    throw bug;
  });
  expect(result).toMatchObject({ error: "coordinator-not-available" });
  expect(crashes).toEqual([bug]);
  expect(await runtime.run(machine.get("a"))).toMatchObject({
    error: "coordinator-not-available",
  });
});

test("a bug in replay while loading takes the machine out of use and tells the broker", async () => {
  const { runtime, log } = await startedRig();
  await runtime.run(() => ({
    records: [{ name: "unreplayable", value: 1 }],
    answer: null,
    releases: [],
  }));
  expect(log.batchCount).toBe(1);
  const { runtime: second, crashes } = rigWith({ log: log.reopened() });
  await second.start();
  expect(crashes).toHaveLength(1);
  expect(second.state.phase).toBe("closed");
});

test("closing answers what was decided, fails what was parked, and refuses the rest", async () => {
  const { runtime, machine, log } = await startedRig({
    log: new FakeLog(false),
  });
  const parkedOne = outcomeOf(runtime.run(machine.next("z")));
  const decided = outcomeOf(runtime.run(machine.add("a")));
  const closing = runtime.close();
  expect(await runtime.run(machine.get("a"))).toMatchObject({
    error: "coordinator-not-available",
  });
  await log.sync();
  await closing;
  expect(decided.value).toEqual(done(1));
  expect(parkedOne.value).toMatchObject({ error: "coordinator-not-available" });
});
