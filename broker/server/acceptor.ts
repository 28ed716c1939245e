/**
 * Accepts connections and keeps count of them.
 *
 * Both protocols come in on the same port. A connection beyond the limit is
 * closed at once: there is no protocol yet to say so in. Failing to accept
 * (no descriptor left) is a line in the log and not an end.
 */
import type { Logger } from "../options.ts";
import type { Cancel, Clock } from "../platform/clock.ts";
import type { Connection, Listener, Network } from "../platform/network.ts";
import type { ReceiveBudget } from "./receive-budget.ts";
import { TurnShare, type TurnShares } from "./turn-share.ts";
import {
  type OpenSession,
  ServedConnection,
  type ServedConnectionLimits,
} from "./served-connection.ts";

export interface AcceptorLimits extends ServedConnectionLimits {
  readonly connectionsMax: number;
  readonly connectionIdleMsMax: number;
}

/** Serves connections, from whatever network they come. One per broker. */
export class Acceptor {
  readonly #limits: AcceptorLimits;
  readonly #clock: Clock;
  readonly #budget: ReceiveBudget;
  readonly #turns: TurnShares;
  readonly #openSession: OpenSession;
  readonly #logger: Logger;
  readonly #connections = new Set<ServedConnection>();
  readonly #listeners: Listener[] = [];
  #nextConnectionId = 1;
  #cancelWatch: Cancel | null = null;
  #isClosing = false;
  #onEmpty: () => void = () => {};

  constructor(
    clock: Clock,
    budget: ReceiveBudget,
    openSession: OpenSession,
    logger: Logger,
    limits: AcceptorLimits,
  ) {
    this.#clock = clock;
    this.#budget = budget;
    this.#turns = {
      received: new TurnShare(clock),
      sent: new TurnShare(clock),
    };
    this.#openSession = openSession;
    this.#logger = logger;
    this.#limits = limits;
  }

  /** Throws what the network throws where the address cannot be listened on. */
  async listen(
    network: Network,
    at: { readonly host: string; readonly port: number },
    name: string,
  ): Promise<Listener> {
    const listener = await network.listen(at, {
      onConnection: (connection) => this.accept(connection, name),
      onError: (error) =>
        this.#logger.warn(
          { listener: name, code: error.code, reason: error.message },
          "a connection could not be accepted",
        ),
    });
    this.#listeners.push(listener);
    return listener;
  }

  accept(connection: Connection, listener: string): void {
    const isFull = this.#connections.size >= this.#limits.connectionsMax;
    if (isFull || this.#isClosing) {
      if (isFull) {
        this.#logger.warn(
          { remote: connection.remoteAddress, count: this.#connections.size },
          "connection refused: as many as connectionsMax allows are open",
        );
      }
      connection.start({ onData() {}, onDrain() {}, onClose() {} });
      connection.destroy();
      return;
    }
    this.#connections.add(
      new ServedConnection(connection, {
        connectionId: this.#nextConnectionId++,
        listener,
        clock: this.#clock,
        budget: this.#budget,
        turns: this.#turns,
        limits: this.#limits,
        openSession: this.#openSession,
        logger: this.#logger,
        onEnd: (ended) => this.#forget(ended),
      }),
    );
    if (this.#cancelWatch === null) this.#watchIdle();
  }

  /** Stops accepting and drops every connection; resolves when the last is gone. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#cancelWatch?.();
    await Promise.all(this.#listeners.map((listener) => listener.close()));
    if (this.#connections.size === 0) return;
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    for (const connection of this.#connections) connection.destroy();
    await empty;
  }

  /** One look at all connections now and then costs less than a timer each. */
  #watchIdle(): void {
    const { connectionIdleMsMax } = this.#limits;
    this.#cancelWatch = this.#clock.schedule(connectionIdleMsMax / 4, () => {
      for (const connection of this.#connections) {
        if (connection.isIdleFor(connectionIdleMsMax)) connection.closeIdle();
      }
      this.#cancelWatch = null;
      if (this.#connections.size > 0) this.#watchIdle();
    });
  }

  #forget(connection: ServedConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#onEmpty();
  }
}
