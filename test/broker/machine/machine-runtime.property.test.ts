/**
 * Commands, writes, syncs, failures and crashes in any order, held against two
 * promises: what was answered is in every later state, and a state that is
 * replayed is the state that was.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { MachineResult } from "../../../broker/machine/machine.ts";
import { FakeLog, FakeSnapshots } from "./fake-log.ts";
import { RELOAD_DELAY_MS, rigWith, settle, type Rig } from "./support.ts";

const name = fc.constantFrom("a", "b", "c");

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("add"), name }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("read"), name }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("park"), name }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("write") }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("sync") }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("refuse") }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("fail-write") }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("fail-sync"),
      survivors: fc.nat(3),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("settle") }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("crash") }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("stop") }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

class Run {
  rig: Rig;
  readonly snapshots = new FakeSnapshots();
  /** The highest value of each counter that anybody was told of. */
  readonly told = new Map<string, number>();

  constructor() {
    this.rig = this.#newRig(new FakeLog(false));
  }

  #newRig(log: FakeLog): Rig {
    return rigWith({
      log,
      snapshots: this.snapshots,
      snapshotIntervalSizeBytes: 400,
    });
  }

  #watch(counter: string, result: Promise<MachineResult<number>>): void {
    void result.then((outcome) => {
      if (outcome.error !== null) return;
      const before = this.told.get(counter) ?? 0;
      this.told.set(counter, Math.max(before, outcome.answer));
    });
  }

  async take(taken: Step): Promise<void> {
    const { runtime, machine, log } = this.rig;
    if (taken.kind === "add" && "name" in taken) {
      this.#watch(taken.name, runtime.run(machine.add(taken.name)));
    } else if (taken.kind === "read" && "name" in taken) {
      this.#watch(taken.name, runtime.run(machine.get(taken.name)));
    } else if (taken.kind === "park" && "name" in taken) {
      this.#watch(taken.name, runtime.run(machine.next(taken.name)));
    } else if (taken.kind === "write") log.write(1);
    else if (taken.kind === "sync") await log.sync();
    else if (taken.kind === "refuse") log.refusal = "refused";
    else if (taken.kind === "fail-write") log.failWrite("failed");
    else if (taken.kind === "fail-sync" && "survivors" in taken) {
      log.failSync("failed", taken.survivors);
    } else if (taken.kind === "settle") await settle();
    else if (taken.kind === "crash") await this.#reopen(log.reopened());
    else if (taken.kind === "stop") {
      const wasReady = runtime.state.phase === "ready";
      const closing = runtime.close();
      await log.sync();
      await closing;
      const before = [...machine.values];
      await this.#reopen(log.reopened());
      if (!wasReady) return;
      expect([...this.rig.machine.values].sort()).toEqual(before.sort());
    }
  }

  async #reopen(log: FakeLog): Promise<void> {
    // What the dead process would still have said is never heard.
    await settle();
    this.rig = this.#newRig(log);
    await this.rig.runtime.start();
    this.checkTold();
  }

  /** Counters only grow, so nothing told may be more than what is there. */
  checkTold(): void {
    for (const [counter, value] of this.told) {
      expect(this.rig.machine.values.get(counter) ?? 0).toBeGreaterThanOrEqual(
        value,
      );
    }
  }
}

test(
  "what was answered is never lost, whatever fails",
  { timeout: 30_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const run = new Run();
        await run.rig.runtime.start();
        for (const taken of steps) await run.take(taken);
        // From here on nothing fails: the machine must come back by itself.
        await run.rig.log.sync();
        await run.rig.clock.advanceAndSettle(RELOAD_DELAY_MS);
        await run.rig.log.sync();
        await settle();
        expect(run.rig.crashes).toEqual([]);
        expect(run.rig.runtime.state).toEqual({ phase: "ready" });
        run.checkTold();

        // And without snapshots the durable log says the same.
        const replayed = rigWith({ log: run.rig.log.reopened() });
        await replayed.runtime.start();
        expect([...replayed.machine.values].sort()).toEqual(
          [...run.rig.machine.values].sort(),
        );
      }),
      { numRuns: 100 },
    );
  },
);
