/** A `ServedConnection` whose connection writes down what is done with it. */
import type {
  Connection,
  ConnectionHandlers,
} from "../../broker/platform/network.ts";
import type { Session, SessionPeer } from "../../broker/server/protocol.ts";
import { ReceiveBudget } from "../../broker/server/receive-budget.ts";
import { ServedConnection } from "../../broker/server/served-connection.ts";
import type { TurnShares } from "../../broker/server/turn-share.ts";
import { ManualClock } from "./manual-clock.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };

export interface Served {
  readonly handlers: ConnectionHandlers;
  /** The sizes of what was written to the connection, and "pause", "resume", "end" and "destroy". */
  readonly done: readonly (number | string)[];
}

export function serve(
  turns: TurnShares,
  sessionOf: (peer: SessionPeer) => Session,
): Served {
  let handlers: ConnectionHandlers | null = null;
  const done: (number | string)[] = [];
  const connection: Connection = {
    remoteAddress: "",
    remotePort: 0,
    queuedSizeBytes: 0,
    start: (given) => {
      handlers = given;
    },
    write: (parts) => {
      let sizeBytes = 0;
      for (const part of parts) {
        sizeBytes += part instanceof Uint8Array ? part.length : part.sizeBytes;
      }
      done.push(sizeBytes);
      return true;
    },
    pause: () => done.push("pause"),
    resume: () => done.push("resume"),
    end: () => done.push("end"),
    destroy: () => done.push("destroy"),
  };
  const served = new ServedConnection(connection, {
    connectionId: 1,
    listener: "test",
    clock: new ManualClock(),
    turns,
    budget: new ReceiveBudget(100_000_000),
    limits: {
      frameSizeBytesMax: 10_000_000,
      requestsInFlightMax: 10,
      queuedSizeBytesMax: 10_000_000,
    },
    openSession: (_head, peer) => ({
      session: sessionOf(peer),
      skipSizeBytes: 0,
    }),
    logger: silent,
    onEnd() {},
  });
  if (handlers === null) throw new Error(`${served.connectionId} not started`);
  return { handlers, done };
}
