/**
 * One connection to a broker, in the compact protocol.
 *
 * Requests are pipelined: each has a number, and its answer is found by it.
 * When the connection is lost every request under way fails with
 * `broker-unreachable`; whether it was carried out nobody knows, so trying
 * again is for who knows what a second time would do. A request without an
 * answer in time ends the connection, as the answers behind it wait for it.
 */
import type { Payload } from "../../../broker/lib/payload.ts";
import { payloadOf } from "../../../broker/lib/payload.ts";
import type { Cancel, Clock } from "../../../broker/platform/clock.ts";
import {
  type Connection,
  NetworkError,
} from "../../../broker/platform/network.ts";
import {
  batchesFrames,
  type CompactAnswer,
  type CompactApi,
  type CompactApiName,
  compactApis,
  type CompactRequestInput,
} from "../../../broker/wire/compact/apis.ts";
import {
  decodeHead,
  errorFrames,
  FrameKind,
} from "../../../broker/wire/compact/compact-frame.ts";
import {
  PROTOCOL_VERSION_MAX,
  PROTOCOL_VERSION_MIN,
} from "../../../broker/wire/compact/hello.ts";
import { PREFACE } from "../../../broker/wire/compact/preface.ts";
import { FrameReader } from "../../../broker/wire/frame.ts";
import type { Fields, FieldsIn } from "../../../broker/wire/schema.ts";
import { WireError } from "../../../broker/wire/wire-error.ts";
import { closedError, refused } from "../../core/refusal.ts";
import { ClientError } from "../../errors.ts";

/** Kafka's `request.timeout.ms`. */
export const REQUEST_TIMEOUT_MS = 30_000;

/** Memory follows what arrives and not what a frame says, so this may be the most there is. */
const FRAME_SIZE_BYTES_MAX = 2 ** 31 - 1;
const CORRELATION_ID_END = 2 ** 32;

/** A whole request that was refused is a value, like everything a broker refuses. */
export interface Refused {
  readonly error: string;
  readonly detail: string;
}

export type Answer<N extends CompactApiName> =
  | {
      readonly error: null;
      readonly fields: CompactAnswer<N>;
      readonly payload: Uint8Array;
    }
  | Refused;

export type Push = ReturnType<typeof batchesFrames.decode>["fields"];
export type OnPush = (
  subscription: number,
  push: Push,
  payload: Uint8Array,
) => void;

export interface ConnectionOptions {
  /** Opens the byte stream: over TCP, or within this process. */
  readonly connect: () => Promise<Connection>;
  readonly clock: Clock;
  readonly clientId: string | null;
}

interface Pending {
  readonly settle: (frame: Uint8Array, kind: number) => void;
  readonly reject: (error: ClientError) => void;
  readonly cancelTimer: Cancel;
}

/** Connects and agrees on a version. Throws a `ClientError`. */
export async function openCompactConnection(
  options: ConnectionOptions,
  onPush: OnPush = () => {},
): Promise<CompactConnection> {
  const stream = await connectStream(options);
  const connection = new CompactConnection(stream, options.clock, onPush);
  await connection.greet(options.clientId);
  return connection;
}

async function connectStream({
  connect,
}: ConnectionOptions): Promise<Connection> {
  try {
    return await connect();
  } catch (error) {
    if (error instanceof NetworkError) throw unreachable(error.message, error);
    throw error;
  }
}

export class CompactConnection {
  /** Resolves when the connection is gone, for whatever reason. */
  readonly closed: Promise<void>;
  readonly #stream: Connection;
  readonly #clock: Clock;
  readonly #onPush: OnPush;
  readonly #frames = new FrameReader(FRAME_SIZE_BYTES_MAX);
  readonly #tellClosed: () => void;

  // Moves with each request and answer.
  readonly #pending = new Map<number, Pending>();
  #nextCorrelationId = 1;
  #receivedAtMs: number;
  #frameSizeBytesMax = FRAME_SIZE_BYTES_MAX;
  /** Why it is closed; null while it is open. */
  #end: ClientError | null = null;

  constructor(stream: Connection, clock: Clock, onPush: OnPush) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#tellClosed = resolve;
    this.#stream = stream;
    this.#clock = clock;
    this.#receivedAtMs = clock.monotonic();
    this.#onPush = onPush;
    stream.start({
      onData: (chunk) => this.#receive(chunk),
      onDrain: () => {},
      onClose: (error) => {
        this.#fail(
          unreachable(error?.message ?? "closed by the broker", error),
        );
      },
    });
    stream.write([PREFACE]);
  }

  get isOpen(): boolean {
    return this.#end === null;
  }

  /** When the last bytes came, by the clock's monotonic time. */
  get receivedAtMs(): number {
    return this.#receivedAtMs;
  }

  async greet(clientId: string | null): Promise<void> {
    const answer = await this.request("hello", {
      versionMin: PROTOCOL_VERSION_MIN,
      versionMax: PROTOCOL_VERSION_MAX,
      clientId,
      credentials: null,
    });
    if (answer.error !== null) {
      this.close();
      throw answer.error === "version-not-supported"
        ? new ClientError("not-supported", answer.detail)
        : refused("the connection", answer.error, answer.detail);
    }
    this.#frameSizeBytesMax =
      answer.fields.frameSizeBytesMax ?? FRAME_SIZE_BYTES_MAX;
  }

  /** Rejects with `broker-unreachable`, `timed-out`, `protocol-violation` or `closed`. */
  request<N extends CompactApiName>(
    name: N,
    fields: CompactRequestInput<N>,
    more: {
      readonly batches?: readonly Uint8Array[];
      readonly timeoutMs?: number;
    } = {},
  ): Promise<Answer<N>> {
    if (this.#end !== null) return Promise.reject(this.#end);
    const correlationId = this.#takeCorrelationId();
    const frame = requestFrame(name, correlationId, fields, more.batches);
    const tooLarge = this.#refuseSize(frame);
    if (tooLarge !== null) return Promise.resolve(tooLarge);
    const timeoutMs = more.timeoutMs ?? REQUEST_TIMEOUT_MS;
    return new Promise((resolve, reject) => {
      this.#pending.set(correlationId, {
        settle: (bytes, kind) => resolve(answerOf(name, bytes, kind)),
        reject,
        cancelTimer: this.#clock.schedule(timeoutMs, () =>
          this.#timedOut(correlationId, `${name} took over ${timeoutMs} ms`),
        ),
      });
      this.#stream.write(frame.parts);
    });
  }

  /** For what has no answer: resolves when the bytes were handed on. */
  send<N extends CompactApiName>(
    name: N,
    fields: CompactRequestInput<N>,
    batches: readonly Uint8Array[] = [],
  ): Promise<Refused | null> {
    if (this.#end !== null) return Promise.reject(this.#end);
    const correlationId = this.#takeCorrelationId();
    const frame = requestFrame(name, correlationId, fields, batches);
    const tooLarge = this.#refuseSize(frame);
    if (tooLarge !== null) return Promise.resolve(tooLarge);
    return new Promise((resolve, reject) => {
      this.#stream.write(frame.parts, () => {
        // Called too when the connection died before.
        if (this.#end === null) resolve(null);
        else reject(this.#end);
      });
    });
  }

  /** Sends what is queued and closes; requests under way fail with `closed`. */
  close(): void {
    if (this.#end !== null) return;
    this.#settleEnd(closedError("connection"));
    this.#stream.end();
  }

  #takeCorrelationId(): number {
    const id = this.#nextCorrelationId;
    this.#nextCorrelationId = id + 1 === CORRELATION_ID_END ? 1 : id + 1;
    return id;
  }

  /** The broker could not answer such a frame: it would close the connection. */
  #refuseSize({ sizeBytes }: Payload): Refused | null {
    if (sizeBytes <= this.#frameSizeBytesMax) return null;
    const detail = `a request of ${sizeBytes} bytes, the broker takes ${this.#frameSizeBytesMax}`;
    return { error: "message-too-large", detail };
  }

  #receive(chunk: Uint8Array): void {
    if (this.#end !== null) return;
    this.#receivedAtMs = this.#clock.monotonic();
    try {
      this.#frames.push(chunk, (frame) => this.#take(frame));
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#fail(violation(error.message, error));
    }
  }

  #take(frame: Uint8Array): void {
    const { kind, correlationId } = decodeHead(frame);
    if (kind === FrameKind.push) {
      const { fields, payload } = batchesFrames.decode(frame);
      this.#onPush(correlationId, fields, payload);
      return;
    }
    const pending = this.#pending.get(correlationId);
    if (pending !== undefined) {
      pending.settle(frame, kind);
      pending.cancelTimer();
      this.#pending.delete(correlationId);
      return;
    }
    // What is about no request is about the connection, or an answer nobody asked for.
    const why =
      kind === FrameKind.error
        ? textOf(errorFrames.decode(frame).fields)
        : `an answer to ${correlationId}, which was not asked`;
    this.#fail(violation(why));
  }

  #timedOut(correlationId: number, what: string): void {
    const pending = this.#pending.get(correlationId);
    this.#pending.delete(correlationId);
    pending?.reject(new ClientError("timed-out", what, { isRetriable: true }));
    this.#fail(unreachable(`given up: ${what}`));
  }

  #fail(error: ClientError): void {
    if (this.#end !== null) return;
    this.#settleEnd(error);
    this.#stream.destroy();
  }

  #settleEnd(error: ClientError): void {
    this.#end = error;
    for (const { reject, cancelTimer } of this.#pending.values()) {
      cancelTimer();
      reject(error);
    }
    this.#pending.clear();
    this.#tellClosed();
  }
}

function requestFrame<N extends CompactApiName>(
  name: N,
  correlationId: number,
  fields: CompactRequestInput<N>,
  batches: readonly Uint8Array[] = [],
): Payload {
  const api: CompactApi<Fields, Fields> = compactApis[name];
  return api.request.encode(
    { kind: FrameKind.request, correlationId, api: api.key },
    // By the table, these are the fields of this request.
    fields as FieldsIn<Fields>,
    batches.length === 0 ? [] : [payloadOf(batches)],
  );
}

/** Throws a `WireError`. */
function answerOf<N extends CompactApiName>(
  name: N,
  frame: Uint8Array,
  kind: number,
): Answer<N> {
  if (kind === FrameKind.error) {
    const { fields } = errorFrames.decode(frame);
    return { error: fields.code, detail: fields.detail ?? fields.message };
  }
  const api: CompactApi<Fields, Fields> = compactApis[name];
  const { fields, payload } = api.answer.decode(frame);
  // By the table, these are the fields of this answer.
  return { error: null, fields: fields as CompactAnswer<N>, payload };
}

function textOf({
  code,
  message,
  detail,
}: ReturnType<typeof errorFrames.decode>["fields"]): string {
  return detail === null ? `${code}: ${message}` : `${code}: ${detail}`;
}

function unreachable(detail: string, cause: unknown = null): ClientError {
  const message = `the broker cannot be reached: ${detail}`;
  return new ClientError("broker-unreachable", message, {
    isRetriable: true,
    cause,
  });
}

function violation(detail: string, cause: unknown = null): ClientError {
  const message = `the compact protocol was broken: ${detail}`;
  return new ClientError("protocol-violation", message, { cause });
}
