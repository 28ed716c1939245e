/**
 * A network inside one process: listeners are found by host and port, nothing
 * reaches the system. For tests and for simulated worlds.
 *
 * `0.0.0.0` and `::` stand for every host. Port 0 takes a port that is free.
 */
import type { Clock } from "../clock.ts";
import { NetworkError } from "../network.ts";
import type {
  Connection,
  ListenHandlers,
  Listener,
  Network,
} from "../network.ts";
import { createLoopbackConnections } from "./loopback-connection.ts";
import type { Address } from "./loopback-connection.ts";

/** Where systems begin to hand out ports that nobody asked for by number. */
const EPHEMERAL_PORT_MIN = 32_768;

export class LoopbackNetwork implements Network {
  readonly #clock: Clock;
  readonly #listeners = new Map<string, ListenHandlers>();
  #nextPort = EPHEMERAL_PORT_MIN;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async listen(at: Address, handlers: ListenHandlers): Promise<Listener> {
    const port = at.port === 0 ? this.#nextPort++ : at.port;
    const key = keyOf(at.host, port);
    if (this.#listeners.has(key)) {
      throw new NetworkError("EADDRINUSE", `${at.host}:${port} is taken`);
    }
    this.#listeners.set(key, handlers);
    return {
      host: at.host,
      port,
      close: async () => {
        this.#listeners.delete(key);
      },
    };
  }

  async connect(to: Address): Promise<Connection> {
    const handlers =
      this.#listeners.get(keyOf(to.host, to.port)) ??
      this.#listeners.get(keyOf("0.0.0.0", to.port)) ??
      this.#listeners.get(keyOf("::", to.port));
    if (handlers === undefined) {
      throw new NetworkError(
        "ECONNREFUSED",
        `nothing listens on ${to.host}:${to.port}`,
      );
    }
    const from = { host: "127.0.0.1", port: this.#nextPort++ };
    const [client, server] = createLoopbackConnections(this.#clock, from, to);
    this.#clock.defer(() => handlers.onConnection(server));
    return client;
  }
}

function keyOf(host: string, port: number): string {
  return `${host === "localhost" ? "127.0.0.1" : host}|${port}`;
}
