/**
 * Requests and answers over @platformatic/kafka's connections: its sockets,
 * TLS, SASL and correlation; our messages, as its own Produce and Fetch build
 * and take apart every record and cannot carry a batch as bytes.
 *
 * A broker answers a connection's requests in order, and keeps some of them: a
 * join until the others have joined, a fetch until there are records. Those
 * that may be kept travel on connections of their own, lent for one request at
 * a time; all others share one a broker.
 */
import {
  Connection,
  Writer as KafkaWriter,
  type ConnectionOptions,
  type Reader as KafkaReader,
} from "@platformatic/kafka";
import type { Clock } from "../../../broker/platform/clock.ts";
import { compile } from "../../../broker/wire/compile.ts";
import { apis } from "../../../broker/wire/kafka/apis.ts";
import { Reader } from "../../../broker/wire/reader.ts";
import type {
  Fields,
  FieldsIn,
  FieldsOut,
  Message,
} from "../../../broker/wire/schema.ts";
import {
  includesVersion,
  type VersionRange,
} from "../../../broker/wire/versions.ts";
import { WireError } from "../../../broker/wire/wire-error.ts";
import { Writer } from "../../../broker/wire/writer.ts";
import { closedError } from "../../core/refusal.ts";
import { withDeadline } from "../../core/wait.ts";
import { ClientError } from "../../errors.ts";

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

/** A row of `apis`. */
export interface RequestApi<Request extends Fields, Response extends Fields> {
  readonly key: number;
  readonly name: string;
  readonly request: Message<Request>;
  readonly response: Message<Response>;
}

export interface RequestOptions {
  /** Default 30,000. */
  readonly timeoutMs?: number;
  /** The broker may keep it: on a connection of its own. */
  readonly isKept?: boolean;
  /** Not above this version, though both sides know later ones. */
  readonly versionMax?: number;
}

const REQUEST_TIMEOUT_MS = 30_000;
const CONNECT_TIMEOUT_MS = 10_000;
/** Never reached: our own clock is earlier. The most that Node's timers take. */
const LIBRARY_TIMEOUT_MS = 2 ** 31 - 1;
const REQUESTS_IN_FLIGHT_MAX = 1_000;
const UNSUPPORTED_VERSION = 35;
const CLIENT_SOFTWARE = { name: "millrace", version: "0.1.0" } as const;

type Versions = ReadonlyMap<number, VersionRange>;

interface Lane {
  readonly connection: Connection;
  readonly versions: Versions;
}

export class KafkaConnections {
  readonly #clock: Clock;
  readonly #clientId: string;
  readonly #options: ConnectionOptions;
  readonly #shared = new Map<string, Promise<Lane>>();
  /** Connections of their own, at rest. */
  readonly #idle = new Map<string, Lane[]>();
  readonly #open = new Set<Connection>();
  #isClosed = false;

  constructor(
    clock: Clock,
    clientId: string,
    security: Pick<ConnectionOptions, "tls" | "sasl">,
  ) {
    this.#clock = clock;
    this.#clientId = clientId;
    this.#options = {
      ...security,
      connectTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: LIBRARY_TIMEOUT_MS,
      maxInflights: REQUESTS_IN_FLIGHT_MAX,
    };
  }

  /**
   * Sends in the highest version that both sides know. Rejects with
   * `broker-unreachable`, `timed-out`, `not-supported` or `protocol-violation`.
   */
  async request<Request extends Fields, Response extends Fields>(
    to: BrokerAddress,
    api: RequestApi<Request, Response>,
    body: FieldsIn<Request>,
    options: RequestOptions = {},
  ): Promise<FieldsOut<Response>> {
    const lane = await this.#lane(to, options.isKept ?? false);
    const version = commonVersion(lane.versions, api, options.versionMax);
    const answer = await this.#exchange(lane, to, options, (connection) =>
      ask(connection, api, version, body),
    );
    if (options.isKept === true) this.#rest(to, lane);
    return answer;
  }

  /** Hands over a request that is not answered. */
  async post<Request extends Fields, Response extends Fields>(
    to: BrokerAddress,
    api: RequestApi<Request, Response>,
    body: FieldsIn<Request>,
  ): Promise<void> {
    const lane = await this.#lane(to, false);
    const version = commonVersion(lane.versions, api);
    await this.#exchange(lane, to, {}, (connection) =>
      tell(connection, api, version, body),
    );
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const closing = [...this.#open].map((connection) => connection.close());
    await Promise.all(closing);
  }

  /** A connection on which something went wrong is of no more use: its answers may be out of step. */
  async #exchange<T>(
    { connection }: Lane,
    { host, port }: BrokerAddress,
    options: RequestOptions,
    send: (connection: Connection) => Promise<T>,
  ): Promise<T> {
    try {
      return await withDeadline(
        this.#clock,
        options.timeoutMs ?? REQUEST_TIMEOUT_MS,
        `a request to ${host}:${port}`,
        send(connection),
      );
    } catch (error) {
      this.#destroy(connection);
      if (this.#isClosed) throw closedError("client");
      throw error;
    }
  }

  async #lane(to: BrokerAddress, isOwn: boolean): Promise<Lane> {
    if (this.#isClosed) throw closedError("client");
    const key = `${to.host}:${to.port}`;
    if (isOwn) {
      const idle = this.#idle.get(key) ?? [];
      for (;;) {
        const lane = idle.pop();
        if (lane === undefined) return this.#connect(to);
        if (lane.connection.isConnected()) return lane;
      }
    }
    const known = await this.#shared.get(key);
    if (known?.connection.isConnected() === true) return known;
    const opening = this.#shared.get(key);
    // Whoever waited with us may have begun to connect again.
    const lane =
      opening !== undefined && (await opening) !== known
        ? opening
        : this.#connect(to);
    this.#shared.set(key, lane);
    lane.catch(() => {
      if (this.#shared.get(key) === lane) this.#shared.delete(key);
    });
    return lane;
  }

  #rest(to: BrokerAddress, lane: Lane): void {
    const key = `${to.host}:${to.port}`;
    const idle = this.#idle.get(key);
    if (idle === undefined) this.#idle.set(key, [lane]);
    else idle.push(lane);
  }

  async #connect({ host, port }: BrokerAddress): Promise<Lane> {
    const connection = new Connection(this.#clientId, this.#options);
    // Each request in flight is told by its own callback.
    connection.on("error", () => {});
    connection.once("close", () => this.#open.delete(connection));
    this.#open.add(connection);
    try {
      await connection.connect(host, port);
      const versions = await withDeadline(
        this.#clock,
        CONNECT_TIMEOUT_MS,
        `asking ${host}:${port} for its versions`,
        askVersions(connection),
      );
      if (this.#isClosed) throw closedError("client");
      return { connection, versions };
    } catch (cause) {
      this.#destroy(connection);
      if (cause instanceof ClientError) throw cause;
      const why = reasonOf(cause);
      throw unreachable(`${host}:${port} cannot be reached (${why})`, cause);
    }
  }

  #destroy(connection: Connection): void {
    this.#open.delete(connection);
    // Undefined until it has tried to connect.
    const socket: Connection["socket"] | undefined = connection.socket;
    socket?.destroy();
  }
}

/** What the system or TLS said, below what the package made of it: `ECONNREFUSED`. */
function reasonOf(error: unknown): string {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) {
    inner = inner.cause;
  }
  if (!(inner instanceof Error)) return String(inner);
  return "code" in inner ? String(inner.code) : inner.message;
}

/** ApiVersions in v3, or v0 where the broker does not know that (KIP-511). */
async function askVersions(connection: Connection): Promise<Versions> {
  const api = apis[18];
  const body = {
    clientSoftwareName: CLIENT_SOFTWARE.name,
    clientSoftwareVersion: CLIENT_SOFTWARE.version,
  };
  let answer = await ask(connection, api, 3, body, (bytes) => {
    // A refusal is written as v0, whatever was asked.
    const code = bytes.length < 2 ? 0 : bytes.readInt16BE(0);
    return code === UNSUPPORTED_VERSION ? 0 : 3;
  });
  if (answer.errorCode === UNSUPPORTED_VERSION) {
    answer = await ask(connection, api, 0, body);
  }
  return new Map(
    answer.apiKeys.map(({ apiKey, minVersion, maxVersion }) => [
      apiKey,
      { first: minVersion, last: maxVersion },
    ]),
  );
}

function ask<Request extends Fields, Response extends Fields>(
  connection: Connection,
  api: RequestApi<Request, Response>,
  version: number,
  body: FieldsIn<Request>,
  answerVersion: (bytes: Buffer) => number = () => version,
): Promise<FieldsOut<Response>> {
  return new Promise((resolve, reject) => {
    connection.send(
      api.key,
      version,
      () => encode(api, version, body),
      (_correlationId, _key, _version, reader: KafkaReader) => {
        const bytes = reader.buffer.slice(0);
        return decode(api, answerVersion(bytes), bytes);
      },
      includesVersion(api.request.flexible, version),
      api.key !== 18 && includesVersion(api.response.flexible, version),
      (error, answer) => {
        if (error !== null) reject(connectionError(api.name, error));
        else if (answer !== undefined) resolve(answer);
      },
    );
  });
}

function tell<Request extends Fields, Response extends Fields>(
  connection: Connection,
  api: RequestApi<Request, Response>,
  version: number,
  body: FieldsIn<Request>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.send(
      api.key,
      version,
      () => {
        const writer = encode(api, version, body);
        writer.context["noResponse"] = true;
        return writer;
      },
      () => true,
      includesVersion(api.request.flexible, version),
      false,
      (error) => {
        if (error !== null) reject(connectionError(api.name, error));
        else resolve();
      },
    );
  });
}

function encode<Request extends Fields, Response extends Fields>(
  api: RequestApi<Request, Response>,
  version: number,
  body: FieldsIn<Request>,
): KafkaWriter {
  const writer = new Writer();
  compile(api.request, version).encode(writer, body);
  const out = KafkaWriter.create();
  for (const part of writer.finish().parts) {
    if (!(part instanceof Uint8Array))
      throw new TypeError("requests are bytes");
    out.append(Buffer.from(part.buffer, part.byteOffset, part.byteLength));
  }
  return out;
}

function decode<Request extends Fields, Response extends Fields>(
  api: RequestApi<Request, Response>,
  version: number,
  bytes: Uint8Array,
): FieldsOut<Response> {
  try {
    return compile(api.response, version).decode(new Reader(bytes));
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause;
    throw new ClientError(
      "protocol-violation",
      `the answer to ${api.name} v${version} cannot be read: ${cause.message}`,
      { cause },
    );
  }
}

function commonVersion<Request extends Fields, Response extends Fields>(
  versions: Versions,
  { key, name, request }: RequestApi<Request, Response>,
  versionMax = Infinity,
): number {
  const theirs = versions.get(key);
  const first = Math.max(theirs?.first ?? Infinity, request.versions.first);
  const last = Math.min(theirs?.last ?? -1, request.versions.last, versionMax);
  if (first > last) {
    throw new ClientError(
      "not-supported",
      `the broker does not offer ${name} in a version this client speaks`,
    );
  }
  return last;
}

function connectionError(name: string, cause: Error): ClientError {
  if (cause instanceof ClientError) return cause;
  return unreachable(`the connection was lost during ${name}`, cause);
}

function unreachable(detail: string, cause: unknown): ClientError {
  return new ClientError("broker-unreachable", detail, {
    cause,
    isRetriable: true,
  });
}
