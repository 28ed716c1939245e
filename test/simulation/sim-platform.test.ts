/**
 * The simulated disk and network are held to what every disk and network must
 * do; then to what only they do: to lose what was not synced, and to go the
 * same way again with the same seed.
 */
import { afterEach, describe, expect, test } from "vitest";
import { SeededRandom } from "../support/seeded-random.ts";
import { diskContract } from "../broker/platform/disk-contract.ts";
import { networkContract } from "../broker/platform/network-contract.ts";
import { Faults, noFaults } from "./faults.ts";
import { SimDisk } from "./sim-disk.ts";
import { SimNetwork } from "./sim-network.ts";
import { SimProcess } from "./sim-process.ts";
import { SimStorage } from "./sim-storage.ts";
import { Simulator } from "./simulator.ts";

let stopPump = (): void => {};

/** A world whose events are fired as long as the test lasts. */
function pumped(): { simulator: Simulator; process: SimProcess } {
  const simulator = new Simulator(1);
  const process = new SimProcess(simulator, "p");
  let isStopped = false;
  // Something to pop, while the test does nothing.
  const tick = (): void => {
    if (!isStopped) simulator.schedule(1, "tick", "", tick);
  };
  tick();
  void simulator.runUntil(() => isStopped, 3_600_000);
  stopPump = () => {
    isStopped = true;
  };
  return { simulator, process };
}

function diskOf(process: SimProcess, storage = new SimStorage()): SimDisk {
  const faults = new Faults(new SeededRandom(2), noFaults);
  return new SimDisk(process, storage, faults, () => process.die());
}

diskContract("simulated", async () => {
  const disk = diskOf(pumped().process);
  await disk.createDirectory("world/data");
  const remove = async (): Promise<void> => stopPump();
  return { disk, directory: "world/data", hasMaps: true, remove };
});

describe("simulated", () => {
  afterEach(() => stopPump());
  networkContract("simulated", () => {
    const faults = new Faults(new SeededRandom(2), noFaults);
    return new SimNetwork(faults).of(pumped().process);
  });
});
