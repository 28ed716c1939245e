import { expect, test } from "vitest";
import { Faults, noFaults } from "./faults.ts";
import { connectProcesses } from "./sim-connection.ts";
import { SimProcess } from "./sim-process.ts";
import { Simulator } from "./simulator.ts";

test("an end that is lost with its sender's death is told to the other side all the same", async () => {
  const simulator = new Simulator(1);
  const faults = new Faults(simulator.fork(), noFaults);
  faults.deliversAfterDeath = () => false;
  const sideOf = (name: string) => ({
    process: new SimProcess(simulator, name),
    address: { host: "127.0.0.1", port: 9092 },
  });
  const [here, there] = [sideOf("client"), sideOf("broker")];
  const [client, broker] = connectProcesses(here, there, { name: "c", faults });
  let isClosed = false;
  client.start({
    onData: () => {},
    onDrain: () => {},
    onClose: () => {
      isClosed = true;
    },
  });
  broker.destroy();
  there.process.die();
  expect(await simulator.runUntil(() => isClosed, 1_000)).toBe(true);
});
