/**
 * The clients of a simulated world: processes of their own, each of which may be
 * killed at any moment and comes back under a new name, as somebody who knows
 * nothing of what was before.
 */
import type { SimClientContext, Tamper } from "../support/sim-kafka-client.ts";
import type { Observe } from "../support/sim-observation.ts";
import { BROKER_AT } from "./sim-broker.ts";
import type { SimNetwork } from "./sim-network.ts";
import { SimProcess } from "./sim-process.ts";
import type { Simulator } from "./simulator.ts";

/** Somebody who does something until he is asked to stop. */
export interface Actor {
  run(): Promise<void>;
  stop(): void;
  readonly isIdle: boolean;
}

export interface SimClientsParts {
  readonly simulator: Simulator;
  readonly network: SimNetwork;
  readonly observe: Observe;
  readonly tamper: Tamper | null;
}

interface Client<A extends Actor> {
  readonly name: string;
  readonly create: (context: SimClientContext) => A;
  count: number;
  process: SimProcess;
  actor: A;
}

export interface ClientHandle<A extends Actor> {
  /** As it is now: another one after it was killed. */
  readonly actor: A;
}

const RESPAWN_MS_MAX = 2_000;

export class SimClients {
  readonly #parts: SimClientsParts;
  readonly #clients: Client<Actor>[] = [];
  #callCount = 0;

  constructor(parts: SimClientsParts) {
    this.#parts = parts;
  }

  /** The number of the last question that was asked. */
  get lastCall(): number {
    return this.#callCount;
  }

  get count(): number {
    return this.#clients.length;
  }

  /** Starts somebody; he is killed and comes back with the others. */
  add<A extends Actor>(
    name: string,
    create: (context: SimClientContext) => A,
  ): ClientHandle<A> {
    const { process, actor } = this.#spawn(name, 1, create);
    const client: Client<A> = { name, create, count: 1, process, actor };
    this.#clients.push(client as unknown as Client<Actor>);
    return client;
  }

  /** A context for somebody who is never killed. */
  context(name: string): SimClientContext {
    return this.#contextOf(new SimProcess(this.#parts.simulator, name));
  }

  /** Kills one; it is back in a while. */
  kill(which: number): void {
    const client = this.#clients[which];
    if (client === undefined || !client.process.isAlive) return;
    const { simulator } = this.#parts;
    simulator.trace("client", `${client.process.name} is killed`);
    client.process.die();
    const delayMs = simulator.random.fraction() * RESPAWN_MS_MAX;
    simulator.schedule(delayMs, "client", `${client.name} is back`, () => {
      client.count += 1;
      const next = this.#spawn(client.name, client.count, client.create);
      client.process = next.process;
      client.actor = next.actor;
    });
  }

  get areAllAlive(): boolean {
    return this.#clients.every(({ process }) => process.isAlive);
  }

  #spawn<A extends Actor>(
    name: string,
    count: number,
    create: (context: SimClientContext) => A,
  ): { readonly process: SimProcess; readonly actor: A } {
    const { simulator } = this.#parts;
    const process = new SimProcess(simulator, `${name}.${count}`);
    const actor = create(this.#contextOf(process));
    actor.run().catch((error: unknown) => {
      if (process.isAlive) simulator.fail(error);
    });
    return { process, actor };
  }

  #contextOf(process: SimProcess): SimClientContext {
    const { simulator, network, observe, tamper } = this.#parts;
    const connections = network.of(process);
    return {
      name: process.name,
      clock: process.clock,
      random: process.random,
      connect: () => connections.connect(BROKER_AT),
      observe: (observation) => {
        if (process.isAlive) observe(observation);
      },
      nextCall: () => ++this.#callCount,
      tamper,
    };
  }
}
