/**
 * A client of Kafka's protocol that does nothing by itself: it frames, counts
 * correlation ids, and hands out answers in the order in which they come.
 *
 *   const { topics } = await connection.request(3, 12, { topics: null });
 *
 * Requests may be sent without waiting for each other: their promises resolve
 * in order. Raw bytes go out through `send`, what they are answered with comes
 * from `nextFrame`.
 */
import type { Payload } from "../../broker/lib/payload.ts";
import type {
  Connection,
  NetworkError,
} from "../../broker/platform/network.ts";
import { NodeNetwork } from "../../broker/platform/node/node-network.ts";
import { FrameReader } from "../../broker/wire/frame.ts";
import { type Api, type ApiKey, apis } from "../../broker/wire/kafka/apis.ts";
import {
  correlationIdOf,
  decodeResponse,
  encodeRequestFrame,
} from "../../broker/wire/kafka/headers.ts";
import type { Infer, Input } from "../../broker/wire/schema.ts";

export type RequestBody<K extends ApiKey> = Input<(typeof apis)[K]["request"]>;
export type ResponseBody<K extends ApiKey> = Infer<
  (typeof apis)[K]["response"]
>;

/** The connection ended while an answer was awaited. */
export class ConnectionEnded extends Error {
  constructor(cause: NetworkError | null) {
    super("the broker closed the connection", { cause });
    this.name = "ConnectionEnded";
  }
}

interface Waiter {
  readonly resolve: (frame: Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

export class KafkaConnection {
  readonly #connection: Connection;
  readonly #frames = new FrameReader(2 ** 31 - 1);
  readonly #arrived: Uint8Array[] = [];
  readonly #waiters: Waiter[] = [];
  readonly #closed = Promise.withResolvers<void>();
  #nextCorrelationId = 1;
  #end: ConnectionEnded | null = null;
  clientId: string | null = "test";

  constructor(connection: Connection) {
    this.#connection = connection;
    connection.start({
      onData: (chunk) => this.#frames.push(chunk, (frame) => this.#take(frame)),
      onDrain() {},
      onClose: (error) => this.#close(error),
    });
  }

  static async overTcp(
    port: number,
    host = "127.0.0.1",
  ): Promise<KafkaConnection> {
    return new KafkaConnection(await new NodeNetwork().connect({ host, port }));
  }

  /** Resolves when the connection is closed, by whomever. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  get isClosed(): boolean {
    return this.#end !== null;
  }

  /** Answers that arrived and that nobody has asked for. */
  get arrivedCount(): number {
    return this.#arrived.length;
  }

  /** Sends a request and waits for its turn to be answered. Rejects with `ConnectionEnded`. */
  async request<K extends ApiKey>(
    key: K,
    version: number,
    body: RequestBody<K>,
  ): Promise<ResponseBody<K>> {
    const correlationId = this.sendRequest(key, version, body);
    const frame = await this.nextFrame();
    const answered = correlationIdOf(frame);
    if (answered !== correlationId) {
      throw new Error(`answer to ${answered}, expected ${correlationId}`);
    }
    const api: Api = apis[key];
    return decodeResponse(api, version, frame) as never;
  }

  /** Sends only: for what is not answered. Gives the correlation id. */
  sendRequest<K extends ApiKey>(
    key: K,
    version: number,
    body: RequestBody<K>,
  ): number {
    const correlationId = this.#nextCorrelationId++;
    const { clientId } = this;
    const header = { correlationId, clientId };
    const frame = requestFrame(key, version, body, header);
    this.#connection.write(frame.parts, frame.release);
    return correlationId;
  }

  send(bytes: Uint8Array): void {
    this.#connection.write([bytes]);
  }

  /** The next answer, without its length. */
  nextFrame(): Promise<Uint8Array> {
    const frame = this.#arrived.shift();
    if (frame !== undefined) return Promise.resolve(frame);
    if (this.#end !== null) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
    });
  }

  /** Stops and resumes taking what the broker sends. */
  pause(): void {
    this.#connection.pause();
  }

  resume(): void {
    this.#connection.resume();
  }

  close(): void {
    this.#connection.destroy();
  }

  #take(frame: Uint8Array): void {
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#arrived.push(frame);
    else waiter.resolve(frame);
  }

  #close(error: NetworkError | null): void {
    this.#end = new ConnectionEnded(error);
    for (const { reject } of this.#waiters.splice(0)) reject(this.#end);
    this.#closed.resolve();
  }
}

/** A whole request with its length. */
export function requestFrame<K extends ApiKey>(
  key: K,
  version: number,
  body: RequestBody<K>,
  header: {
    readonly correlationId: number;
    readonly clientId: string | null;
  } = { correlationId: 1, clientId: "test" },
): Payload {
  const api: Api = apis[key];
  return encodeRequestFrame(api, version, header, body as never);
}

export function requestBytes<K extends ApiKey>(
  ...request: Parameters<typeof requestFrame<K>>
): Uint8Array {
  const { parts } = requestFrame(...request);
  return Buffer.concat(parts.filter((part) => part instanceof Uint8Array));
}
