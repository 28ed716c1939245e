/**
 * A client of Kafka's protocol for the simulated world: one connection that is
 * opened when it is needed, every question with a deadline. It retries nothing
 * by itself: null means that no answer came, so nobody knows what was done.
 */
import type { Clock } from "../../broker/platform/clock.ts";
import { NetworkError } from "../../broker/platform/network.ts";
import type { Connection } from "../../broker/platform/network.ts";
import type { ApiKey } from "../../broker/wire/kafka/apis.ts";
import { ConnectionEnded, KafkaConnection } from "./kafka-connection.ts";
import type { RequestBody, ResponseBody } from "./kafka-connection.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { Observe } from "./sim-observation.ts";

/** Stands between client and broker where a broken broker is wanted. */
export type Tamper = <K extends ApiKey>(
  key: K,
  body: RequestBody<K>,
  forward: (body: RequestBody<K>) => Promise<ResponseBody<K> | null>,
) => Promise<ResponseBody<K> | null>;

/** What a client lives by. */
export interface SimClientContext {
  readonly name: string;
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly connect: () => Promise<Connection>;
  readonly observe: Observe;
  /** A number for a question whose beginning matters. */
  readonly nextCall: () => number;
  readonly tamper: Tamper | null;
}

const TIMEOUT_MS = 8_000;
const PAUSE_MS_MIN = 50;
const PAUSE_MS_MAX = 400;

export class SimKafkaClient {
  readonly context: SimClientContext;
  #connection: KafkaConnection | null = null;

  constructor(context: SimClientContext) {
    this.context = context;
  }

  /** The answer, or null: the connection failed, or nothing came in time. */
  async call<K extends ApiKey>(
    key: K,
    version: number,
    body: RequestBody<K>,
    timeoutMs = TIMEOUT_MS,
  ): Promise<ResponseBody<K> | null> {
    const connection = await this.#connected();
    if (connection === null) return null;
    return this.#callOn(connection, key, version, { body, timeoutMs });
  }

  /** The same on the connection that is open, and on no new one. */
  async callOnSame<K extends ApiKey>(
    key: K,
    version: number,
    body: RequestBody<K>,
  ): Promise<ResponseBody<K> | null> {
    const connection = this.#connection;
    if (connection === null || connection.isClosed) return null;
    return this.#callOn(connection, key, version, {
      body,
      timeoutMs: TIMEOUT_MS,
    });
  }

  async isConnected(): Promise<boolean> {
    return (await this.#connected()) !== null;
  }

  #callOn<K extends ApiKey>(
    connection: KafkaConnection,
    key: K,
    version: number,
    {
      body,
      timeoutMs,
    }: { readonly body: RequestBody<K>; readonly timeoutMs: number },
  ): Promise<ResponseBody<K> | null> {
    const { tamper } = this.context;
    const forward = (sent: RequestBody<K>) =>
      this.#ask(connection, key, version, { body: sent, timeoutMs });
    return tamper === null ? forward(body) : tamper(key, body, forward);
  }

  /** Connects anew for the next call: what is under way is not answered. */
  drop(): void {
    this.#connection?.close();
    this.#connection = null;
  }

  /** Before another try. */
  pause(): Promise<void> {
    const { clock, random } = this.context;
    const spread = PAUSE_MS_MAX - PAUSE_MS_MIN;
    return sleep(clock, PAUSE_MS_MIN + random.fraction() * spread);
  }

  async #connected(): Promise<KafkaConnection | null> {
    if (this.#connection?.isClosed === false) return this.#connection;
    try {
      const connection = new KafkaConnection(await this.context.connect());
      connection.clientId = this.context.name;
      this.#connection = connection;
      return connection;
    } catch (error) {
      if (error instanceof NetworkError) return null;
      throw error;
    }
  }

  async #ask<K extends ApiKey>(
    connection: KafkaConnection,
    key: K,
    version: number,
    {
      body,
      timeoutMs,
    }: { readonly body: RequestBody<K>; readonly timeoutMs: number },
  ): Promise<ResponseBody<K> | null> {
    const cancel = this.context.clock.schedule(timeoutMs, () => {
      connection.close();
    });
    try {
      return await connection.request(key, version, body);
    } catch (error) {
      if (!(error instanceof ConnectionEnded)) throw error;
      return null;
    } finally {
      cancel();
    }
  }
}

export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.schedule(delayMs, resolve);
  });
}
