/**
 * The network as the broker and the client see it: byte streams between two
 * ends, with back-pressure both ways.
 */
import type { Part } from "../lib/payload.ts";

export class NetworkError extends Error {
  /** The system's name of the error: `EADDRINUSE`, `ECONNREFUSED`, `ECONNRESET`, `EMFILE`, ... */
  readonly code: string;

  constructor(code: string, detail: string, cause?: unknown) {
    super(`${detail} (${code})`, { cause });
    this.name = "NetworkError";
    this.code = code;
  }
}

export interface ConnectionHandlers {
  /** Bytes that arrived, in order. They belong to the receiver from now on, their memory too. */
  onData(chunk: Uint8Array): void;
  /** The send queue fell below its low mark after `write` had answered false. */
  onDrain(): void;
  /** Called exactly once, whatever ended the connection; null for a clean end. */
  onClose(error: NetworkError | null): void;
}

export interface Connection {
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** To be called once, before any data is delivered. */
  start(handlers: ConnectionHandlers): void;
  /**
   * Queues the parts behind everything written before. `sent` is called exactly
   * once: when the last of them was handed to the system, or when the
   * connection died before. False means: stop writing until `onDrain`.
   */
  write(parts: readonly Part[], sent?: () => void): boolean;
  /** Bytes written that the system has not taken yet. */
  readonly queuedSizeBytes: number;
  /** Stops and resumes delivery of data: the peer is slowed by its own window. */
  pause(): void;
  resume(): void;
  /** Sends what is queued, then closes. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
}

export interface Listener {
  readonly host: string;
  readonly port: number;
  /** Stops accepting; connections that exist go on. */
  close(): Promise<void>;
}

export interface ListenHandlers {
  onConnection(connection: Connection): void;
  /** Accepting failed (for example EMFILE); the listener goes on. */
  onError(error: NetworkError): void;
}

export interface Network {
  listen(
    at: { readonly host: string; readonly port: number },
    handlers: ListenHandlers,
  ): Promise<Listener>;
  connect(to: {
    readonly host: string;
    readonly port: number;
  }): Promise<Connection>;
}
