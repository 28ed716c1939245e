/**
 * What a stranger's bytes must lead to: each request is answered with its
 * correlation id, in order, in a form that its version can read and without
 * "unknown server error"; or the connection closes, with one line in the log.
 *
 * The judge cuts the stream into frames by itself and knows nothing else of it.
 */
import { crcHolds, wholeBatchSizeBytes } from "../../broker/record/batch.ts";
import type { Connection } from "../../broker/platform/network.ts";
import { compile } from "../../broker/wire/compile.ts";
import { FrameReader } from "../../broker/wire/frame.ts";
import { apiOf } from "../../broker/wire/kafka/apis.ts";
import {
  correlationIdOf,
  responseHeader,
} from "../../broker/wire/kafka/headers.ts";
import { Reader } from "../../broker/wire/reader.ts";
import type { Message } from "../../broker/wire/schema.ts";
import { includesVersion } from "../../broker/wire/versions.ts";
import type { LogLine } from "../broker/server/kafka/support.ts";
import { CANARY } from "./canary.ts";
import { requestBytes } from "../support/kafka-connection.ts";
import type { Known } from "./plausible-values.ts";

const PREFIX_SIZE = 4;
const HEAD_SIZE = 8;
const PRODUCE_KEY = 0;
const API_VERSIONS_KEY = 18;
/** Answers a group that does not fit a record with "unknown server error", as Kafka does. */
const JOIN_GROUP_KEY = 11;
const KNOWN_MAX = 4;
const UNKNOWN_SERVER_ERROR = -1;

/** Whatever a stranger sent, this is answered behind it or the connection is closed. */
export const probe = requestBytes(
  API_VERSIONS_KEY,
  0,
  { clientSoftwareName: "", clientSoftwareVersion: "" },
  { correlationId: 0x5eed, clientId: null },
);

/** Fetch, JoinGroup, SyncGroup wait for others; a Produce with acks 0 has no answer. */
export function mayWait(frame: Uint8Array): boolean {
  const key = frame.length < HEAD_SIZE ? -1 : Buffer.from(frame).readInt16BE(4);
  return [PRODUCE_KEY, 1, JOIN_GROUP_KEY, 14].includes(key);
}

interface Request {
  readonly key: number;
  readonly version: number;
  readonly correlationId: number;
}

/** A connection that sent some bytes, and what came of it. */
export class Stranger {
  readonly #connection: Connection;
  readonly #sizeBytesMax: number;
  readonly #reader = new FrameReader(2 ** 31 - 1);
  readonly #answers: Uint8Array[] = [];
  #observedCount = 0;
  #sent: Uint8Array = new Uint8Array(0);
  isClosed = false;

  constructor(connection: Connection, sizeBytesMax: number) {
    this.#connection = connection;
    this.#sizeBytesMax = sizeBytesMax;
    connection.start({
      onData: (chunk) =>
        this.#reader.push(chunk, (frame) => this.#answers.push(frame)),
      onDrain() {},
      onClose: () => {
        this.isClosed = true;
      },
    });
  }

  send(bytes: Uint8Array): void {
    this.#sent = Buffer.concat([this.#sent, bytes]);
    this.#connection.write([bytes]);
  }

  leave(): void {
    this.#connection.destroy();
  }

  /** Closed, or everything that must be answered is. */
  get isSettled(): boolean {
    if (this.isClosed) return true;
    const { requests, isBroken } = this.#stream();
    return !isBroken && this.#unanswered(requests).length === 0;
  }

  /** Throws what is wrong. `lines`: what `takeLines` gave since it came. */
  judge(lines: readonly LogLine[], known: Known): void {
    const { requests } = this.#stream();
    for (const line of lines) {
      if (line.level === "error") throw new Error(`log: ${describe(line)}`);
    }
    this.#unanswered(requests);
    this.observe(known);
    const linesExpected = this.isClosed ? 1 : 0;
    if (lines.length !== linesExpected) {
      const said = lines.map(describe).join("; ");
      const state = this.isClosed ? "closed" : "open";
      throw new Error(`${state}, and ${lines.length} lines: ${said}`);
    }
    if (!this.isSettled) throw new Error("neither answered nor closed");
  }

  /** Looks at the answers so far, and learns what they tell. */
  observe(known: Known): void {
    const { requests } = this.#stream();
    for (; this.#observedCount < this.#answers.length; this.#observedCount++) {
      const answer = this.#answers[this.#observedCount];
      if (answer !== undefined) check(answer, requests, known);
    }
  }

  #stream() {
    return requestsIn(this.#sent, this.#sizeBytesMax);
  }

  /** Goes through the answers in order. Only a Produce may have none (acks 0). */
  #unanswered(requests: readonly Request[]): readonly Request[] {
    let next = 0;
    for (const answer of this.#answers) {
      const id = correlationIdOf(answer);
      while (
        requests[next]?.key === PRODUCE_KEY &&
        requests[next]?.correlationId !== id
      ) {
        next += 1;
      }
      if (requests[next]?.correlationId !== id) {
        throw new Error(`an answer to ${String(id)}, which is not its turn`);
      }
      next += 1;
    }
    return requests.slice(next);
  }
}

/** The requests of a stream, up to a size that cannot be or a frame that is not whole. */
function requestsIn(bytes: Uint8Array, sizeBytesMax: number) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const requests: Request[] = [];
  let at = 0;
  while (at + PREFIX_SIZE <= bytes.length) {
    const sizeBytes = view.getInt32(at);
    const isBroken = sizeBytes < HEAD_SIZE || sizeBytes > sizeBytesMax;
    if (isBroken && (sizeBytes < 0 || sizeBytes > sizeBytesMax)) {
      return { requests, isBroken };
    }
    at += PREFIX_SIZE;
    if (at + sizeBytes > bytes.length) break;
    if (isBroken) return { requests, isBroken };
    requests.push({
      key: view.getInt16(at),
      version: view.getInt16(at + 2),
      correlationId: view.getInt32(at + 4),
    });
    at += sizeBytes;
  }
  return { requests, isBroken: false };
}

function check(
  answer: Uint8Array,
  requests: readonly Request[],
  known: Known,
): void {
  const id = correlationIdOf(answer);
  const request = requests.find(({ correlationId }) => correlationId === id);
  const api = request === undefined ? null : apiOf(request.key);
  if (request === undefined || api === null) {
    throw new Error(`an answer to ${String(id)}, which was not asked`);
  }
  const isServed = includesVersion(api.versions, request.version);
  // What every client can read, whatever it asked in.
  const version = isServed ? request.version : 0;
  const body = decodeWhole(api.response, version, answer);
  if (api.key === JOIN_GROUP_KEY) learnMember(known, body);
  walk(body, (name, value) => {
    const isUnknown = name === "errorCode" && value === UNKNOWN_SERVER_ERROR;
    if (isUnknown && api.key !== JOIN_GROUP_KEY) {
      throw new Error(`${api.name} ${version} answers: unknown server error`);
    }
    if (name === "records" && value instanceof Uint8Array) {
      checkBatches(value);
    }
    learn(known, name, value);
  });
}

/** Whatever is fetched are whole batches whose checksums hold; the last may be cut. */
function checkBatches(records: Uint8Array): void {
  let at = 0;
  for (;;) {
    const sizeBytes = wholeBatchSizeBytes(records, at);
    if (sizeBytes === null) break;
    if (!crcHolds(records, at)) throw new Error(`a damaged batch at ${at}`);
    at += sizeBytes;
  }
}

function decodeWhole(
  response: Message,
  version: number,
  answer: Uint8Array,
): object {
  const reader = new Reader(answer);
  const isFlexible =
    response.apiKey !== API_VERSIONS_KEY &&
    includesVersion(response.flexible, version);
  compile(responseHeader, isFlexible ? 1 : 0).decode(reader);
  const body = compile(response, version).decode(reader);
  if (reader.remaining > 0) throw new Error("bytes behind the answer");
  return body;
}

function walk(
  value: unknown,
  look: (name: string, value: unknown) => void,
): void {
  if (typeof value !== "object" || value === null) return;
  if (value instanceof Uint8Array) return;
  // The canary's topic is learned of by nobody, so that it is not deleted by its id.
  if ("name" in value && value.name === CANARY) return;
  for (const [name, inner] of Object.entries(value)) {
    look(name, inner);
    walk(inner, look);
  }
}

/** What the broker tells is said again to it later. */
function learn(known: Known, name: string, value: unknown): void {
  if (name === "topicId") keep(known.topicIds, value);
  if (name === "producerId") keep(known.producers, { id: value, epoch: 0 });
}

function learnMember(known: Known, body: object): void {
  if (!("memberId" in body && "generationId" in body)) return;
  const { memberId, generationId: generation } = body;
  // A refusal repeats what was asked; but one gives the id to come back with.
  const isGiven =
    "errorCode" in body && [0, 79].includes(Number(body.errorCode));
  if (!isGiven) return;
  keep(known.members, { memberId, generation });
  if ("protocolName" in body && typeof body.protocolName === "string") {
    keep(known.protocols, body.protocolName);
  }
}

/** Few are kept, so that they are named again: the latest. */
function keep(list: unknown[], value: unknown): void {
  if (list.includes(value)) return;
  list.push(value);
  if (list.length > KNOWN_MAX) list.shift();
}

function describe({ level, message, fields }: LogLine): string {
  return `${level} ${message} ${JSON.stringify(fields)}`;
}
