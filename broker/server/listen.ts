/**
 * Where a broker listens, and what it tells clients to connect to.
 *
 * Without a host that is 127.0.0.1, and ::1 on the same port: some clients
 * resolve `localhost` to the one, some to the other. A machine without IPv6
 * loopback, or with ::1 taken, is served all the same: that is a note. Clients
 * are told 127.0.0.1 on both.
 */
import { BrokerError } from "../errors.ts";
import { listenProblem } from "../lib/listen-problem.ts";
import type { ListenOptions, Logger } from "../options.ts";
import {
  type Listener,
  type Network,
  NetworkError,
} from "../platform/network.ts";
import type { Acceptor } from "./acceptor.ts";

export interface ListenerAddress {
  /** As requests name it in their context. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** What clients of this listener are told. */
  readonly advertised: { readonly host: string; readonly port: number };
}

const LOOPBACK = "127.0.0.1";
const LOOPBACK_IPV6 = "::1";
const wildcards: readonly string[] = ["0.0.0.0", "::", ""];
const PORT_MAX = 65_535;

/**
 * Throws what `listenOn` would, and listens nowhere afterwards: asked before a
 * directory is made, or recovered, for a broker that nobody could reach.
 */
export async function tryListening(
  network: Network,
  options: ListenOptions,
): Promise<void> {
  const listeners: Listener[] = [];
  const acceptor: Pick<Acceptor, "listen"> = {
    listen: async (_network, at) => {
      const listener = await network.listen(at, {
        onConnection: (connection) => {
          connection.start({ onData() {}, onDrain() {}, onClose() {} });
          connection.destroy();
        },
        onError() {},
      });
      listeners.push(listener);
      return listener;
    },
  };
  try {
    await listenOn(acceptor, network, silent, options);
  } finally {
    await Promise.all(listeners.map((listener) => listener.close()));
  }
}

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** Throws `BrokerError`: `listen-failed`, `invalid-option`. */
export async function listenOn(
  acceptor: Pick<Acceptor, "listen">,
  network: Network,
  logger: Logger,
  options: ListenOptions,
): Promise<readonly ListenerAddress[]> {
  const host = options.host ?? LOOPBACK;
  const { port } = options;
  if (!Number.isInteger(port) || port < 0 || port > PORT_MAX) {
    throw new BrokerError(
      "invalid-option",
      `listen.port must lie between 0 and ${PORT_MAX}, got ${String(port)}`,
    );
  }
  if (wildcards.includes(host) && options.advertise === undefined) {
    throw new BrokerError(
      "invalid-option",
      `listening on ${host || "every address"} needs \`advertise\`: the address that clients can reach`,
    );
  }
  const first = await listenAt(acceptor, network, host, port);
  const advertised = {
    host: options.advertise?.host ?? host,
    port: options.advertise?.port ?? first.port,
  };
  const listening = [{ ...first, advertised }];
  if (options.host !== undefined) return listening;
  try {
    const second = await listenAt(acceptor, network, LOOPBACK_IPV6, first.port);
    listening.push({ ...second, advertised });
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    logger.info({ reason: error.message }, "not listening on IPv6 loopback");
  }
  return listening;
}

async function listenAt(
  acceptor: Pick<Acceptor, "listen">,
  network: Network,
  host: string,
  port: number,
): Promise<Omit<ListenerAddress, "advertised">> {
  const name = `${host}:${port}`;
  try {
    const listener = await acceptor.listen(network, { host, port }, name);
    return { name, host: listener.host, port: listener.port };
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error;
    const advice = listenProblem(error.code) ?? error.message;
    throw new BrokerError(
      "listen-failed",
      `cannot listen on ${host}:${port}: ${advice}`,
      error,
    );
  }
}
