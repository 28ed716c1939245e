/**
 * One TCP connection.
 *
 * Bytes go to the socket as they are, without a copy: the system takes them
 * from the very memory (of a mapped file, say), so whoever owns it may take it
 * back only when `sent` is called. A part that is read while it is sent holds
 * up everything written behind it; that waits in a queue here and not in the
 * socket's, and counts towards `queuedSizeBytes` all the same.
 */
import type { Socket } from "node:net";
import { partSizeBytes } from "../../lib/payload.ts";
import type { Part } from "../../lib/payload.ts";
import { NetworkError } from "../network.ts";
import type { Connection, ConnectionHandlers } from "../network.ts";

/** A `write` behind a part that is still being read. */
interface Waiting {
  readonly parts: readonly Part[];
  readonly settle: Settle;
}

/** Counts the socket's callbacks of one `write`; the last of them is `sent`. */
class Settle {
  readonly #sent: (() => void) | undefined;
  // One for the issuer, who calls `arrived` when there is no more to come.
  #outstanding = 1;

  constructor(sent: (() => void) | undefined) {
    this.#sent = sent;
  }

  expect(): void {
    this.#outstanding += 1;
  }

  readonly arrived = (): void => {
    this.#outstanding -= 1;
    if (this.#outstanding === 0) this.#sent?.();
  };
}

export class NodeConnection implements Connection {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly #socket: Socket;
  #handlers: ConnectionHandlers | null = null;

  readonly #waiting: Waiting[] = [];
  #waitingSizeBytes = 0;
  #isPumping = false;
  #isGathering = false;
  #needsDrain = false;
  #wakePump: (() => void) | null = null;

  #isEnding = false;
  #isClosed = false;
  #error: NetworkError | null = null;

  constructor(socket: Socket) {
    this.#socket = socket;
    // Both are forgotten by the socket once it is destroyed.
    this.remoteAddress = socket.remoteAddress ?? "";
    this.remotePort = socket.remotePort ?? 0;
    // From the first moment on: an error without a listener ends the process.
    socket.on("error", (error) => {
      this.#error ??= networkErrorOf(error, "connection failed");
    });
    socket.on("close", () => this.#onClosed());
    socket.on("drain", () => {
      this.#wakePump?.();
      this.#maybeDrain();
    });
  }

  get queuedSizeBytes(): number {
    return this.#socket.writableLength + this.#waitingSizeBytes;
  }

  start(handlers: ConnectionHandlers): void {
    this.#handlers = handlers;
    if (this.#isClosed) {
      queueMicrotask(() => handlers.onClose(this.#error));
      return;
    }
    this.#socket.on("data", (chunk: Buffer) => handlers.onData(chunk));
  }

  write(parts: readonly Part[], sent?: () => void): boolean {
    const settle = new Settle(sent);
    if (this.#isEnding || !this.#socket.writable) {
      queueMicrotask(settle.arrived);
      return false;
    }
    if (!this.#isPumping && parts.every((part) => part instanceof Uint8Array)) {
      this.#gather();
      for (const part of parts) this.#send(part, settle);
      settle.arrived();
    } else {
      for (const part of parts) this.#waitingSizeBytes += partSizeBytes(part);
      this.#waiting.push({ parts, settle });
      if (!this.#isPumping) void this.#pump();
    }
    if (!this.#isPumping && !this.#socket.writableNeedDrain) return true;
    this.#needsDrain = true;
    return false;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    // Before `start` there is nobody to deliver to.
    if (this.#handlers !== null) this.#socket.resume();
  }

  end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    if (!this.#isPumping) this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /**
   * What is written until the work at hand is done goes out in one system call.
   * Small answers become ready many at a time, by one write to a log; sending
   * each by itself wakes the peer each time, and took 40 us of the 80 that a
   * batch of 16 KB cost in all.
   */
  #gather(): void {
    if (this.#isGathering) return;
    this.#isGathering = true;
    this.#socket.cork();
    process.nextTick(() => {
      this.#isGathering = false;
      this.#socket.uncork();
    });
  }

  #send(bytes: Uint8Array, settle: Settle): void {
    settle.expect();
    this.#socket.write(bytes, settle.arrived);
  }

  /** Sends what waits, in order, until nothing does. Never rejects. */
  async #pump(): Promise<void> {
    this.#isPumping = true;
    for (;;) {
      const next = this.#waiting[0];
      if (next === undefined) break;
      try {
        for (const part of next.parts)
          await this.#sendInTurn(part, next.settle);
      } catch (error) {
        // Half an answer cannot be taken back: the connection has to go.
        this.#error ??= new NetworkError(
          "EPIPE",
          "reading a part failed",
          error,
        );
        this.#socket.destroy();
      }
      this.#waiting.shift();
      next.settle.arrived();
    }
    this.#isPumping = false;
    this.#waitingSizeBytes = 0;
    if (this.#isEnding) this.#socket.end();
    else this.#maybeDrain();
  }

  async #sendInTurn(part: Part, settle: Settle): Promise<void> {
    if (part instanceof Uint8Array) {
      this.#waitingSizeBytes -= part.length;
      if (this.#socket.writable) this.#send(part, settle);
      return;
    }
    let leftSizeBytes = part.sizeBytes;
    // A reader that was never begun has nothing to give back.
    if (!this.#socket.writable) return;
    for await (const chunk of part.read()) {
      if (!this.#socket.writable) return;
      leftSizeBytes -= chunk.length;
      if (leftSizeBytes < 0) throw new RangeError("longer than it said");
      this.#waitingSizeBytes -= chunk.length;
      this.#send(chunk, settle);
      if (this.#socket.writableNeedDrain) await this.#drained();
    }
    if (leftSizeBytes > 0) throw new RangeError("it ended early");
  }

  /** Resolves when the socket takes more, or will never again. */
  #drained(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    return new Promise<void>((resolve) => {
      this.#wakePump = () => {
        this.#wakePump = null;
        resolve();
      };
    });
  }

  #maybeDrain(): void {
    if (!this.#needsDrain || this.#isPumping || this.#isClosed) return;
    if (this.#socket.writableNeedDrain) return;
    this.#needsDrain = false;
    this.#handlers?.onDrain();
  }

  #onClosed(): void {
    this.#isClosed = true;
    this.#wakePump?.();
    this.#handlers?.onClose(this.#error);
  }
}

/** Keeps the system's code of an error that node:net reports. */
export function networkErrorOf(error: Error, detail: string): NetworkError {
  const code =
    "code" in error && typeof error.code === "string" ? error.code : "EIO";
  return new NetworkError(code, detail, error);
}
