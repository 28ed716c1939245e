/**
 * What a connection asks of a protocol: bytes of whole frames in, payloads out.
 * Kafka's and the compact one both have this shape, so that framing, order,
 * limits and back-pressure exist once.
 */
import type { Payload } from "../lib/payload.ts";

export interface Handled {
  /** When the next request of this connection may begin; null: now. */
  readonly processed: Promise<unknown> | null;
  /** What goes out, in the order of the requests; null: nothing (acks 0). */
  readonly answer: Payload | null | Promise<Payload | null>;
  /** Nothing refers to the frame's bytes any more; absent where something may. */
  readonly isFrameFree?: boolean;
}

export interface Session {
  /**
   * Handles one frame without its length prefix. Throws `ProtocolViolation`
   * where no answer can be given: the connection closes then.
   */
  handle(frame: Uint8Array): Handled;
  /** The connection is gone; called once. */
  close(): void;
  /** A last frame for a peer whose bytes could not be read; absent where the protocol has none. */
  readonly farewell?: (reason: string) => Payload | null;
  /** True while something is owed that is not an answer: then silence is not idleness. */
  readonly isWaiting?: boolean;
}

/** What a session may do to its connection besides answering. */
export interface SessionPeer {
  /** Sends a frame between answers; false: wait for `onWritable`. */
  push(payload: Payload): boolean;
  /** Replaces the listener for the queue running empty after `push` had said false. */
  onWritable(listener: () => void): void;
  /** Aborted when the connection closes. */
  readonly closed: AbortSignal;
  readonly connectionId: number;
  readonly remoteAddress: string;
  readonly listener: string;
}

/** The peer sent what the protocol forbids; the connection ends with this as its reason. */
export class ProtocolViolation extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "ProtocolViolation";
  }
}
