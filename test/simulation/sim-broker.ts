/**
 * The broker of a simulated world, and what happens to it: it is started, dies
 * at any moment, and is started again by and by, as a supervisor would do it.
 * The medium outlives it.
 */
import { startBroker } from "../../broker/broker.ts";
import type { MillraceBroker } from "../../broker/broker.ts";
import { BrokerError } from "../../broker/errors.ts";
import type { Logger, Settings } from "../../broker/options.ts";
import type { Disk } from "../../broker/platform/disk.ts";
import type { Stop } from "../support/sim-observation.ts";
import type { Faults } from "./faults.ts";
import { SimDisk, never } from "./sim-disk.ts";
import type { SimNetwork } from "./sim-network.ts";
import { SimProcess } from "./sim-process.ts";
import type { SimStorage } from "./sim-storage.ts";
import type { Simulator } from "./simulator.ts";

export const BROKER_AT = { host: "127.0.0.1", port: 9092 } as const;
export const DIRECTORY = "/world/data";
const RESTART_MS_MAX = 1_000;

export interface SimBrokerParts {
  readonly simulator: Simulator;
  readonly storage: SimStorage;
  readonly network: SimNetwork;
  readonly faults: Faults;
  readonly settings: Settings;
  /** Told at the moment when it happens. */
  readonly stopped: (how: Stop) => void;
  /** Breaks the disk where a broken broker is wanted. */
  readonly wrapDisk: (disk: Disk) => Disk;
}

export class SimBroker {
  readonly #parts: SimBrokerParts;
  #startCount = 0;
  #process: SimProcess | null = null;
  #broker: MillraceBroker | null = null;

  constructor(parts: SimBrokerParts) {
    this.#parts = parts;
  }

  /** Opened and listening. */
  get isUp(): boolean {
    return this.#broker !== null;
  }

  /** Opened, and everything loaded that a request may need. */
  get isReady(): boolean {
    return this.#broker?.isReady === true;
  }

  /** A new process on the medium as it is. */
  start(): void {
    const { simulator } = this.#parts;
    this.#startCount += 1;
    const process = new SimProcess(simulator, `broker.${this.#startCount}`);
    this.#process = process;
    this.#open(process).catch((error: unknown) => {
      // What a dead process makes of its death is nobody's concern.
      if (!process.isAlive) return;
      if (!(error instanceof BrokerError)) {
        simulator.fail(error);
        return;
      }
      simulator.trace("broker", `cannot open: ${error.message}`);
      this.stop("kill");
    });
  }

  /** Ends the process as it stands, and has another one started in a while. */
  stop(how: "kill" | "power-cut"): void {
    this.end(how);
    const { simulator } = this.#parts;
    const delayMs = simulator.random.fraction() * RESTART_MS_MAX;
    simulator.schedule(delayMs, "broker", "is started", () => this.start());
  }

  /** Ends the process as it stands. */
  end(how: "kill" | "power-cut"): void {
    const { simulator, storage, stopped } = this.#parts;
    simulator.trace("broker", how);
    this.#broker = null;
    this.#process?.die();
    this.#process = null;
    if (how === "kill") storage.processKilled(simulator.random);
    else storage.powerFailed(simulator.random);
    stopped(how);
  }

  /** Asks it to close; resolves once the process has ended. Never settles where it is killed meanwhile. */
  async close(): Promise<void> {
    const [process, broker] = [this.#process, this.#broker];
    if (process === null || broker === null) return;
    this.#parts.simulator.trace("broker", "closes");
    this.#broker = null;
    await broker.close();
    if (!process.isAlive) return never();
    process.die();
    this.#process = null;
    this.#parts.stopped("clean-stop");
  }

  async #open(process: SimProcess): Promise<void> {
    const { simulator, storage, network, faults, settings } = this.#parts;
    const disk = new SimDisk(process, storage, faults, () => this.stop("kill"));
    const broker = await startBroker({
      platform: {
        clock: process.clock,
        disk: this.#parts.wrapDisk(disk),
        network: network.of(process),
        random: process.random,
      },
      settings,
      directoryPath: DIRECTORY,
      clusterId: null,
      logger: loggerOf(process),
    });
    broker.closed.catch((error: unknown) => {
      if (process.isAlive) simulator.fail(error);
    });
    await broker.listen(BROKER_AT);
    // A write that killed it throws, and its code goes on from there.
    if (!process.isAlive) return;
    this.#broker = broker;
    simulator.trace("broker", "listens");
  }
}

function loggerOf(process: SimProcess): Logger {
  const tell = (level: string) => (_fields: object, message: string) => {
    process.simulator.trace(level, `${process.name} ${message}`);
  };
  return {
    debug() {},
    info: tell("info"),
    warn: tell("warn"),
    error: tell("error"),
  };
}
