/** A counter machine on a fake log, and what a test looks at. */
import { expect } from "vitest";
import {
  MachineRuntime,
  type MachineState,
} from "../../../broker/machine/machine-runtime.ts";
import type { MachineResult } from "../../../broker/machine/machine.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import {
  CounterMachine,
  counterCodec,
  type CounterRecord,
} from "./counter-machine.ts";
import { FakeLog, FakeSnapshots } from "./fake-log.ts";

export const RELOAD_DELAY_MS = 1_000;

export interface Rig {
  readonly runtime: MachineRuntime<CounterRecord>;
  readonly machine: CounterMachine;
  readonly log: FakeLog;
  readonly snapshots: FakeSnapshots;
  readonly clock: ManualClock;
  readonly states: MachineState[];
  readonly warnings: string[];
  readonly crashes: unknown[];
}

export interface RigParts {
  readonly log?: FakeLog;
  readonly snapshots?: FakeSnapshots;
  readonly snapshotIntervalSizeBytes?: number;
}

/** Not started. */
export function rigWith(parts: RigParts = {}): Rig {
  const log = parts.log ?? new FakeLog();
  const snapshots = parts.snapshots ?? new FakeSnapshots();
  const clock = new ManualClock();
  const machine = new CounterMachine();
  const states: MachineState[] = [];
  const warnings: string[] = [];
  const crashes: unknown[] = [];
  const runtime = new MachineRuntime(
    { machine, codec: counterCodec, log, snapshots, clock },
    {
      snapshotIntervalSizeBytes: parts.snapshotIntervalSizeBytes ?? 1e9,
      reloadDelayMs: RELOAD_DELAY_MS,
      stateChanged: (state) => states.push(state),
      warn: (detail) => warnings.push(detail),
      crashed: (error) => crashes.push(error),
    },
  );
  return { runtime, machine, log, snapshots, clock, states, warnings, crashes };
}

export async function startedRig(parts: RigParts = {}): Promise<Rig> {
  const rig = rigWith(parts);
  await rig.runtime.start();
  expect(rig.runtime.state).toEqual({ phase: "ready" });
  return rig;
}

/** What a promise has come to by now. */
export function outcomeOf<Answer>(result: Promise<MachineResult<Answer>>): {
  readonly value: MachineResult<Answer> | null;
} {
  const outcome: { value: MachineResult<Answer> | null } = { value: null };
  void result.then((value) => {
    outcome.value = value;
  });
  return outcome;
}

/** Lets everything that is ready run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
