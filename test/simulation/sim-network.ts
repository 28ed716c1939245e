/**
 * A network between simulated processes: connecting takes a while and may fail,
 * a listener of a dead process is gone, and a connection goes through
 * `SimConnection` with all that can happen to it.
 */
import { NetworkError } from "../../broker/platform/network.ts";
import type {
  Connection,
  ListenHandlers,
  Listener,
  Network,
} from "../../broker/platform/network.ts";
import { connectProcesses } from "./sim-connection.ts";
import type { NetworkFaults } from "./sim-connection.ts";
import type { SimProcess } from "./sim-process.ts";

/** Where systems begin to hand out ports that nobody asked for by number. */
const EPHEMERAL_PORT_MIN = 32_768;

interface Place {
  readonly host: string;
  readonly port: number;
}

interface Listening {
  readonly process: SimProcess;
  readonly handlers: ListenHandlers;
}

/** What all processes share. */
export class SimNetwork {
  readonly faults: NetworkFaults;
  readonly #listening = new Map<string, Listening>();
  #nextPort = EPHEMERAL_PORT_MIN;
  #connectionCount = 0;

  constructor(faults: NetworkFaults) {
    this.faults = faults;
  }

  /** The network as one process sees it. */
  of(process: SimProcess): Network {
    return {
      listen: (at, handlers) => this.#listen(process, at, handlers),
      connect: (to) => this.#connect(process, to),
    };
  }

  async #listen(
    process: SimProcess,
    at: Place,
    handlers: ListenHandlers,
  ): Promise<Listener> {
    const port = at.port === 0 ? this.#nextPort++ : at.port;
    const key = `${at.host}|${port}`;
    if (this.#listening.get(key)?.process.isAlive === true) {
      throw new NetworkError("EADDRINUSE", `${key} is taken`);
    }
    const listening = { process, handlers };
    this.#listening.set(key, listening);
    const close = async (): Promise<void> => {
      if (this.#listening.get(key) === listening) this.#listening.delete(key);
    };
    return { host: at.host, port, close };
  }

  #connect(process: SimProcess, to: Place): Promise<Connection> {
    const key = `${to.host}|${to.port}`;
    const isRefused = this.faults.refuses();
    return new Promise((resolve, reject) => {
      process.schedule(this.faults.latencyMs(), "connect", key, () => {
        const listening = this.#listening.get(key);
        if (isRefused || listening?.process.isAlive !== true) {
          reject(new NetworkError("ECONNREFUSED", `nothing listens on ${key}`));
          return;
        }
        this.#connectionCount += 1;
        const name = `c${this.#connectionCount}`;
        const from = { host: "127.0.0.1", port: this.#nextPort++ };
        const [client, server] = connectProcesses(
          { process, address: from },
          { process: listening.process, address: to },
          { name, faults: this.faults },
        );
        listening.handlers.onConnection(server);
        resolve(client);
      });
    });
  }
}
