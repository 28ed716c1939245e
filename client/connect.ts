/**
 * Three ways to a broker, one client: in this process, Millrace over TCP, or
 * any Kafka. The Kafka driver is loaded when it is asked for, as its package
 * takes half a second.
 */
import type { Clock } from "../broker/platform/clock.ts";
import type { Connection } from "../broker/platform/network.ts";
import { NodeClock } from "../broker/platform/node/node-clock.ts";
import { NodeNetwork } from "../broker/platform/node/node-network.ts";
import { NodeRandom } from "../broker/platform/node/node-random.ts";
import type { Random } from "../broker/platform/random.ts";
import type { Client } from "./client.ts";
import { createClient } from "./core/client.ts";
import type { Driver } from "./core/driver.ts";
import { abortedError, withDeadline } from "./core/wait.ts";
import { createCompactDriver } from "./drivers/compact/driver.ts";
import { ClientError } from "./errors.ts";

/** What a client needs of a broker in its own process; `openBroker` gives one. */
export interface EmbeddedBroker {
  connect(): Connection;
}

export interface ConnectCommon {
  /** What brokers know this client by. Default `millrace`. */
  readonly clientId?: string;
  /** How long the first answer may take. Default 10,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export type ConnectOptions = ConnectCommon &
  (
    | { readonly broker: EmbeddedBroker }
    /** `millrace://host:port`. */
    | { readonly url: string }
    /** Of a Kafka cluster: `host:port`, one is enough. */
    | {
        readonly brokers: readonly string[];
        /** As Node's `tls.connect` takes them. */
        readonly tls?: Readonly<Record<string, unknown>>;
        readonly sasl?: KafkaSasl;
      }
  );

export interface KafkaSasl {
  readonly mechanism: "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512";
  readonly username: string;
  readonly password: string;
}

const CLIENT_ID = "millrace";
const TIMEOUT_MS = 10_000;
/** Kafka's, which is Millrace's too. */
const PORT = 9092;

/**
 * A client, once a broker has answered. Rejects with `broker-unreachable`,
 * `timed-out`, `aborted` or `invalid-argument`; nothing is left open then.
 */
export async function connect(options: ConnectOptions): Promise<Client> {
  // Also where no compiler looks: `connect()`, `connect("host:9092")`.
  if (typeof options !== "object" || options === null) {
    throw invalid(
      `connect takes an object such as { broker }, { url } or { brokers }`,
    );
  }
  const platform = { clock: new NodeClock(), random: new NodeRandom() };
  const { signal } = options;
  if (signal?.aborted === true) throw abortedError(signal);
  const driver = await openDriver(options, platform);
  try {
    const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    const answered = withDeadline(
      platform.clock,
      timeoutMs,
      "connecting",
      driver.describeCluster(),
    );
    await (signal === undefined ? answered : orAborted(answered, signal));
  } catch (error) {
    await driver.close();
    throw error;
  }
  return createClient(driver, platform);
}

async function openDriver(
  options: ConnectOptions,
  platform: { readonly clock: Clock; readonly random: Random },
): Promise<Driver> {
  const clientId = options.clientId ?? CLIENT_ID;
  if ("broker" in options) {
    const { broker } = options;
    return createCompactDriver({
      ...platform,
      clientId,
      connect: async () => broker.connect(),
    });
  }
  if ("url" in options) {
    const at = addressOfUrl(options.url);
    const network = new NodeNetwork();
    return createCompactDriver({
      ...platform,
      clientId,
      connect: () => network.connect(at),
    });
  }
  const { brokers, tls, sasl } = options;
  if (!Array.isArray(brokers)) {
    throw invalid(
      "connect takes one of { broker }, { url } and { brokers: [] }",
    );
  }
  if (brokers.length === 0) throw invalid("brokers is empty");
  const addresses = brokers.map(addressOf);
  const { createKafkaDriver } = await import("./drivers/kafka/kafka-driver.ts");
  return createKafkaDriver(
    {
      brokers: addresses,
      clientId,
      ...(tls === undefined ? {} : { tls }),
      ...(sasl === undefined ? {} : { sasl }),
    },
    platform,
  );
}

function addressOfUrl(url: string): { host: string; port: number } {
  const prefix = "millrace://";
  if (!url.startsWith(prefix)) {
    throw invalid(`${url} does not begin with ${prefix}`);
  }
  return addressOf(url.slice(prefix.length).replace(/\/$/, ""));
}

/** `host`, `host:port` or `[::1]:port`. */
function addressOf(text: string): { host: string; port: number } {
  const found = /^(?:\[([^\]]+)\]|([^:/[\]]+))(?::(\d{1,5}))?$/.exec(text);
  const host = found?.[1] ?? found?.[2];
  const port = Number(found?.[3] ?? PORT);
  if (host === undefined || port < 1 || port > 65_535) {
    throw invalid(`${text} is not host:port`);
  }
  return { host, port };
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(abortedError(signal));
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => {
      signal.removeEventListener("abort", abort);
    });
  });
}

function invalid(detail: string): ClientError {
  return new ClientError("invalid-argument", detail);
}
