/**
 * A pipeline on the compact client in the simulated world: copies every record
 * of a topic under its id to another one, but for some that its handler throws
 * at, which become dead letters. A run that fails is started again.
 */
import type { Connection } from "../../broker/platform/network.ts";
import { createClient } from "../../client/core/client.ts";
import { createCompactDriver } from "../../client/drivers/compact/driver.ts";
import type { Driver } from "../../client/core/driver.ts";
import { topic } from "../../client/index.ts";
import { pipeline, PipelineError } from "../../pipeline/index.ts";
import type { Pipeline, Running } from "../../pipeline/index.ts";
import { ClientError } from "../../client/errors.ts";
import { sleep } from "./sim-kafka-client.ts";
import type { SimClientContext } from "./sim-kafka-client.ts";

export interface SimPipelineOptions {
  readonly group: string;
  readonly from: string;
  readonly to: string;
  readonly deadLetters: string;
}

const DEAD_SHARE = 7;

export class SimPipeline {
  readonly #context: SimClientContext;
  readonly #pipeline: Pipeline;
  readonly #wrap: (driver: Driver) => Driver;
  #running: Running | null = null;
  #isStopping = false;
  #isIdle = false;

  /** `wrap` stands between client and broker where a broken broker is wanted. */
  constructor(
    context: SimClientContext,
    options: SimPipelineOptions,
    wrap: (driver: Driver) => Driver = (driver) => driver,
  ) {
    this.#context = context;
    this.#wrap = wrap;
    const source = topic(options.from, { format: "text" });
    const target = topic(options.to, { format: "text" });
    const { group } = options;
    const settings = {
      group,
      from: "earliest",
      deadLetter: { topic: options.deadLetters },
      commitIntervalMs: 500,
      drainTimeoutMs: 2_000,
      sessionTimeoutMs: 4_000,
      inFlightPerPartitionMax: 16,
    } as const;
    this.#pipeline = pipeline("sim", source, settings, (stage) =>
      stage.filter((_value, { key }) => isAlive(key)).to(target),
    );
  }

  get isIdle(): boolean {
    return this.#isIdle;
  }

  stop(): void {
    this.#isStopping = true;
    void this.#running?.stop();
  }

  async run(): Promise<void> {
    const { clock, random, name } = this.#context;
    const driver = createCompactDriver({
      connect: (): Promise<Connection> => this.#context.connect(),
      clock,
      random,
      clientId: name,
    });
    const client = createClient(this.#wrap(driver), { clock, random });
    while (!this.#isStopping) {
      try {
        this.#running = await this.#pipeline.run(client);
        if (this.#isStopping) await this.#running.stop();
        await this.#running.done;
      } catch (error) {
        const isTold =
          error instanceof PipelineError || error instanceof ClientError;
        if (!isTold) throw error;
      }
      await sleep(clock, 200);
    }
    await client.close();
    this.#isIdle = true;
  }
}

/** Throws for some records, always for the same. */
function isAlive(key: string | null): boolean {
  let sum = 0;
  for (const letter of key ?? "") sum += letter.charCodeAt(0);
  if (sum % DEAD_SHARE !== 0) return true;
  const error = new Error(`${key} is not to be had`);
  // The dead letter tells it, and paths differ from machine to machine.
  error.stack = "nowhere";
  throw error;
}
