/**
 * What a stranger's bytes must lead to in the compact protocol: answers in
 * order, pushes that credit covers, and at the end an error with one line in
 * the log. See `kafka-judge.ts`.
 */
import type { Connection } from "../../broker/platform/network.ts";
import { crcHolds, wholeBatchSizeBytes } from "../../broker/record/batch.ts";
import {
  apiNameOf,
  batchesFrames,
  type CompactApi,
  type CompactApiName,
  compactApis,
} from "../../broker/wire/compact/apis.ts";
import {
  decodeHead,
  errorFrames,
  type FrameHead,
  FrameKind,
} from "../../broker/wire/compact/compact-frame.ts";
import { FrameReader } from "../../broker/wire/frame.ts";
import type { Fields } from "../../broker/wire/schema.ts";
import { WireError } from "../../broker/wire/wire-error.ts";
import type { LogLine } from "../broker/server/kafka/support.ts";
import { requestBytes } from "../broker/server/compact/raw-client.ts";

/** They have no answer: a credit never, a produce with acks 0. */
const mayBeSilent: readonly (CompactApiName | null)[] = ["credit", "produce"];
/** About the connection. */
const finalCodes: readonly string[] = [
  "protocol-violation",
  "version-not-supported",
  "not-greeted",
];
const UNKNOWN = "unknown-server-error";

/** Answered behind whatever was sent, or the connection is closed. */
export const compactProbe = requestBytes("describe-cluster", 0x5eed, {});

interface Sent {
  readonly correlationId: number;
  readonly name: CompactApiName | null;
}

interface Pushed {
  readonly sizeBytes: number;
  readonly most: number;
}

const nothing: Pushed = { sizeBytes: 0, most: 0 };

export class CompactStranger {
  readonly #connection: Connection;
  readonly #reader = new FrameReader(2 ** 31 - 1);
  /** What it sent, behind the preface, cut as the broker must cut it. */
  readonly #sentReader: FrameReader;
  readonly #sent: Sent[] = [];
  readonly #answers: FrameHead[] = [];
  isClosed = false;
  /** What was sent, or what was answered, lets nothing follow but the end. */
  #isEnding = false;
  /** By subscription: bytes pushed in all, and at most at once. */
  readonly pushed = new Map<number, Pushed>();
  #fault: Error | null = null;

  constructor(connection: Connection, sizeBytesMax: number) {
    this.#connection = connection;
    this.#sentReader = new FrameReader(sizeBytesMax);
    connection.start({
      onData: (chunk) => this.#reader.push(chunk, (frame) => this.#take(frame)),
      onDrain() {},
      onClose: () => {
        this.isClosed = true;
      },
    });
  }

  /** For the preface, which is in no frame. */
  sendRaw(bytes: Uint8Array): void {
    this.#connection.write([bytes]);
  }

  send(bytes: Uint8Array): void {
    this.#connection.write([bytes]);
    if (this.#isEnding) return;
    try {
      this.#sentReader.push(bytes, (frame) => this.#sent.push(sentOf(frame)));
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#isEnding = true;
    }
  }

  leave(): void {
    this.#connection.destroy();
  }

  get isSettled(): boolean {
    if (this.isClosed || this.#fault !== null) return true;
    return !this.#isEnding && this.#unanswered() === null;
  }

  judge(lines: readonly LogLine[]): void {
    if (this.#fault !== null) throw this.#fault;
    const error = lines.find(({ level }) => level === "error");
    if (error !== undefined) throw new Error(`log: ${JSON.stringify(error)}`);
    const expected = this.isClosed ? 1 : 0;
    if (lines.length !== expected) {
      const state = this.isClosed ? "closed" : "open";
      throw new Error(`${state}, and ${JSON.stringify(lines)}`);
    }
    if (!this.isSettled) throw new Error("neither answered nor closed");
  }

  #take(frame: Uint8Array): void {
    try {
      const head = decodeHead(frame);
      if (head.kind === FrameKind.push) this.#takePush(head, frame);
      else this.#takeAnswer(head, frame);
    } catch (error) {
      this.#fault ??= error instanceof Error ? error : new Error(String(error));
    }
  }

  #takePush({ correlationId }: FrameHead, frame: Uint8Array): void {
    const { payload } = batchesFrames.decode(frame);
    checkBatches(payload);
    const { sizeBytes, most } = this.pushed.get(correlationId) ?? nothing;
    this.pushed.set(correlationId, {
      sizeBytes: sizeBytes + payload.length,
      most: Math.max(most, payload.length),
    });
  }

  #takeAnswer(head: FrameHead, frame: Uint8Array): void {
    this.#answers.push(head);
    if (head.kind === FrameKind.error) {
      const { code } = errorFrames.decode(frame).fields;
      if (finalCodes.includes(code)) this.#isEnding = true;
      if (code === UNKNOWN) throw new Error(`${head.api} answers ${UNKNOWN}`);
      return;
    }
    const name = apiNameOf(head.api);
    if (name === null) throw new Error(`an answer of ${head.api}`);
    const api: CompactApi<Fields, Fields> = compactApis[name];
    const { fields, payload } = api.answer.decode(frame);
    if (name === "fetch") checkBatches(payload);
    const isUnknown = JSON.stringify(fields).includes(`"code":"${UNKNOWN}"`);
    if (isUnknown && name !== "join") throw new Error(`${name}: ${UNKNOWN}`);
    this.#unanswered();
  }

  /** The first that must be answered and is not; throws where an answer is not due. */
  #unanswered(): Sent | null {
    let next = 0;
    for (const answer of this.#answers) {
      // About no request.
      if (answer.correlationId === 0 && answer.api === 0) return null;
      for (;;) {
        const sent = this.#sent[next++];
        if (sent?.correlationId === answer.correlationId) break;
        if (sent === undefined || !mayBeSilent.includes(sent.name)) {
          throw new Error(`an answer to ${answer.correlationId} out of turn`);
        }
      }
    }
    return this.#sent[next] ?? null;
  }
}

/** What a frame asks, as far as it can be read. */
function sentOf(frame: Uint8Array): Sent {
  try {
    const { correlationId, api } = decodeHead(frame);
    return { correlationId, name: apiNameOf(api) };
  } catch {
    return { correlationId: 0, name: null };
  }
}

function checkBatches(payload: Uint8Array): void {
  let at = 0;
  while (at < payload.length) {
    const sizeBytes = wholeBatchSizeBytes(payload, at);
    // The last of a partition may be cut, and another partition follow it.
    if (sizeBytes === null) return;
    if (!crcHolds(payload, at)) throw new Error(`a damaged batch at ${at}`);
    at += sizeBytes;
  }
}
