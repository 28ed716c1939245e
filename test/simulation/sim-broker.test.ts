import { expect, test } from "vitest";
import { noFaults } from "./faults.ts";
import { World } from "./world.ts";

test("a broker whose process is killed by a write of its opening is not up", async () => {
  const { simulator, broker, faults } = new World({ seed: 1 });
  broker.start();
  await simulator.runUntil(() => broker.isReady, 10_000);
  broker.stop("kill");
  faults.rates = { ...noFaults, dieInWrite: 1 };
  const isKilled = (): boolean => faults.counts.has("killed writing");
  expect(await simulator.runUntil(isKilled, 10_000)).toBe(true);
  expect(broker.isUp).toBe(false);
});
