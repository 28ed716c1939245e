/**
 * Two ends of a byte stream in one process.
 *
 * Delivery is asynchronous and in order: what is written in one turn of the
 * event loop arrives in a later one, gathered into chunks. Bytes are copied on
 * the way, because the sender's may be views (of a mapped file, of a memory
 * disk) that are taken back as soon as `sent` is called, while a chunk belongs
 * to its receiver for good.
 *
 * The sender's queue is the only buffer: nothing leaves it while the receiver
 * is paused or has not started, so back-pressure is simply its size.
 */
import { partSizeBytes } from "../../lib/payload.ts";
import type { Part } from "../../lib/payload.ts";
import type { Clock } from "../clock.ts";
import { NetworkError } from "../network.ts";
import type { Connection, ConnectionHandlers } from "../network.ts";

/** Above this much queued `write` answers false, at or below half of it `onDrain` is called. */
const QUEUE_SIZE_BYTES_HIGH = 64 * 1024;
const DELIVERY_SIZE_BYTES_MAX = 256 * 1024;

/** One `write` that has not been delivered in full. */
interface Outgoing {
  /** What is left; a stream part's chunks are put in front of it as they are read. */
  readonly parts: Part[];
  readonly sent: (() => void) | undefined;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** The ends of a new connection: the first sees `addressOfSecond` as its remote, and so on. */
export function createLoopbackConnections(
  clock: Clock,
  addressOfFirst: Address,
  addressOfSecond: Address,
): readonly [Connection, Connection] {
  const first = new LoopbackConnection(clock, addressOfSecond);
  const second = new LoopbackConnection(clock, addressOfFirst);
  first.join(second);
  second.join(first);
  return [first, second];
}

/** A connection that was never listened for: for a client in the broker's own process. */
export function connectionPair(
  clock: Clock,
): readonly [Connection, Connection] {
  const here = { host: "in-process", port: 0 };
  return createLoopbackConnections(clock, here, here);
}

class LoopbackConnection implements Connection {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly #clock: Clock;
  // Itself until joined, which is before anybody else sees it.
  #peer: LoopbackConnection = this;
  #handlers: ConnectionHandlers | null = null;

  readonly #queue: Outgoing[] = [];
  #queuedSizeBytes = 0;
  /** A stream part read from, at the head of the queue. */
  #source: AsyncIterator<Uint8Array> | null = null;
  #isReading = false;

  #isDeliveryScheduled = false;
  #needsDrain = false;
  #isPaused = false;
  #isEnding = false;
  #isClosed = false;
  #closeError: NetworkError | null = null;
  #isCloseTold = false;

  constructor(clock: Clock, remote: Address) {
    this.#clock = clock;
    this.remoteAddress = remote.host;
    this.remotePort = remote.port;
  }

  join(peer: LoopbackConnection): void {
    this.#peer = peer;
  }

  get queuedSizeBytes(): number {
    return this.#queuedSizeBytes;
  }

  start(handlers: ConnectionHandlers): void {
    this.#handlers = handlers;
    if (this.#isClosed) this.#clock.defer(() => this.#tellClosed());
    this.#peer.schedule();
  }

  write(parts: readonly Part[], sent?: () => void): boolean {
    if (this.#isClosed || this.#isEnding) {
      if (sent !== undefined) this.#clock.defer(sent);
      return false;
    }
    for (const part of parts) this.#queuedSizeBytes += partSizeBytes(part);
    this.#queue.push({ parts: [...parts], sent });
    this.schedule();
    if (this.#queuedSizeBytes <= QUEUE_SIZE_BYTES_HIGH) return true;
    this.#needsDrain = true;
    return false;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#peer.schedule();
  }

  end(): void {
    this.#isEnding = true;
    this.schedule();
  }

  destroy(): void {
    if (this.#isClosed) return;
    // As TCP has it: bytes that were lost make a reset, otherwise the peer
    // sees an end.
    const isCut = this.#queue.length > 0 || this.#peer.#queue.length > 0;
    this.#close(null);
    this.#peer.#close(
      isCut
        ? new NetworkError("ECONNRESET", "the other end was destroyed")
        : null,
    );
  }

  /** Delivers in a later turn, once for everything written until then. */
  schedule(): void {
    if (this.#isDeliveryScheduled || this.#isClosed) return;
    this.#isDeliveryScheduled = true;
    this.#clock.defer(() => {
      this.#isDeliveryScheduled = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    const peer = this.#peer;
    if (this.#isClosed || this.#isReading) return;
    if (peer.#handlers === null || peer.#isPaused) return;
    const { chunks, sizeBytes, finished } = this.#take();
    if (sizeBytes > 0) {
      // A Buffer's pool would keep 8 KB alive for a few bytes, so not that.
      const chunk = new Uint8Array(sizeBytes);
      let position = 0;
      for (const bytes of chunks) {
        chunk.set(bytes, position);
        position += bytes.length;
      }
      this.#queuedSizeBytes -= sizeBytes;
      peer.#handlers.onData(chunk);
    }
    for (const sent of finished) sent();
    if (this.#isClosed) return;
    this.#maybeDrain();
    if (this.#queue.length > 0) this.schedule();
    else if (this.#isEnding) this.#finish(peer);
  }

  /** Takes bytes off the queue up to a delivery's limit or the next stream part. */
  #take(): {
    readonly chunks: readonly Uint8Array[];
    readonly sizeBytes: number;
    readonly finished: readonly (() => void)[];
  } {
    const chunks: Uint8Array[] = [];
    const finished: (() => void)[] = [];
    let sizeBytes = 0;
    for (;;) {
      const outgoing = this.#queue[0];
      if (outgoing === undefined) break;
      const part = outgoing.parts[0];
      if (part === undefined) {
        this.#queue.shift();
        if (outgoing.sent !== undefined) finished.push(outgoing.sent);
        continue;
      }
      if (sizeBytes >= DELIVERY_SIZE_BYTES_MAX) break;
      if (!(part instanceof Uint8Array)) {
        this.#source ??= part.read()[Symbol.asyncIterator]();
        void this.#readSource(outgoing, part.sizeBytes);
        break;
      }
      const taken = part.subarray(0, DELIVERY_SIZE_BYTES_MAX - sizeBytes);
      chunks.push(taken);
      sizeBytes += taken.length;
      if (taken.length < part.length) {
        outgoing.parts[0] = part.subarray(taken.length);
      } else {
        outgoing.parts.shift();
      }
    }
    return { chunks, sizeBytes, finished };
  }

  /** Puts the next chunk of the stream part in front of what is left of it. */
  async #readSource(outgoing: Outgoing, leftSizeBytes: number): Promise<void> {
    const source = this.#source;
    const part = outgoing.parts[0];
    if (source === null || part === undefined) return;
    if (part instanceof Uint8Array) return;
    this.#isReading = true;
    try {
      const next = await source.next();
      if (this.#isClosed) {
        await source.return?.();
        return;
      }
      if (next.done === true) {
        if (leftSizeBytes > 0) throw new RangeError("a part ended early");
        this.#source = null;
        outgoing.parts.shift();
      } else {
        const left = leftSizeBytes - next.value.length;
        if (left < 0) throw new RangeError("a part is longer than it said");
        outgoing.parts.splice(0, 1, next.value, {
          sizeBytes: left,
          read: part.read,
        });
      }
    } catch (error) {
      // Half an answer cannot be taken back: the connection has to go.
      const reason = new NetworkError("EPIPE", "reading a part failed", error);
      this.#close(reason);
      this.#peer.#close(new NetworkError("ECONNRESET", "the other end failed"));
    } finally {
      this.#isReading = false;
    }
    this.schedule();
  }

  #maybeDrain(): void {
    if (!this.#needsDrain) return;
    if (this.#queuedSizeBytes > QUEUE_SIZE_BYTES_HIGH / 2) return;
    this.#needsDrain = false;
    this.#handlers?.onDrain();
  }

  /** Our side is sent in full: the peer sends what it still has, then both are closed. */
  #finish(peer: LoopbackConnection): void {
    peer.#isEnding = true;
    if (peer.#queue.length > 0) {
      peer.schedule();
      return;
    }
    this.#close(null);
    peer.#close(null);
  }

  #close(error: NetworkError | null): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closeError = error;
    const dropped = this.#queue.splice(0);
    this.#queuedSizeBytes = 0;
    if (!this.#isReading) void this.#source?.return?.();
    this.#clock.defer(() => {
      for (const outgoing of dropped) outgoing.sent?.();
      this.#tellClosed();
    });
  }

  #tellClosed(): void {
    if (this.#isCloseTold || this.#handlers === null) return;
    this.#isCloseTold = true;
    this.#handlers.onClose(this.#closeError);
  }
}
