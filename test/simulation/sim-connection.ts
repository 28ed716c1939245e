/**
 * A connection between two simulated processes.
 *
 *   write -> queue -> (the system takes some, copies it) -> in flight -> arrived -> onData
 *
 * What was taken arrives in order, in pieces of any size, after any delay. At
 * most a window's worth is in flight or arrived but not delivered, so a
 * receiver that pauses is felt by the sender. A connection may stall, or be cut
 * at any byte. When a process dies, what the system took from it may still
 * arrive, whole or in part; then its peer sees a reset.
 */
import { partSizeBytes } from "../../broker/lib/payload.ts";
import type { Part } from "../../broker/lib/payload.ts";
import { NetworkError } from "../../broker/platform/network.ts";
import type {
  Connection,
  ConnectionHandlers,
} from "../../broker/platform/network.ts";
import type { SimProcess } from "./sim-process.ts";

export interface NetworkFaults {
  /** Whether a connection is refused. */
  refuses(): boolean;
  latencyMs(): number;
  /** Whether it is cut now: asked for each piece that leaves. */
  cuts(): boolean;
  /** How much of what is queued leaves at a time. */
  pieceSizeBytes(queuedSizeBytes: number): number;
  /** Whether what was sent by a process that died still arrives. */
  deliversAfterDeath(): boolean;
}

export interface ConnectionSide {
  readonly process: SimProcess;
  readonly address: { readonly host: string; readonly port: number };
}

interface ConnectionContext {
  /** For the trace. */
  readonly name: string;
  readonly faults: NetworkFaults;
}

const WINDOW_SIZE_BYTES = 64 * 1024;
/** Above this much queued `write` answers false, at or below half of it `onDrain` is called. */
const QUEUE_SIZE_BYTES_HIGH = 64 * 1024;
const TRANSMIT_MS = 0.02;

/** Both ends of a new connection. */
export function connectProcesses(
  first: ConnectionSide,
  second: ConnectionSide,
  context: ConnectionContext,
): readonly [Connection, Connection] {
  const one = new SimConnection(first, second, context, ">");
  const other = new SimConnection(second, first, context, "<");
  one.join(other);
  other.join(one);
  return [one, other];
}

/** One `write` of which some has not left. */
interface Outgoing {
  readonly parts: Part[];
  readonly sent: (() => void) | undefined;
}

/** How a connection ended, seen from one end. */
type End = { readonly error: NetworkError | null };

class SimConnection implements Connection {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly #process: SimProcess;
  readonly #context: ConnectionContext;
  readonly #arrow: string;
  // Itself until joined, which is before anybody else sees it.
  #peer: SimConnection = this;
  #handlers: ConnectionHandlers | null = null;

  // On the way out.
  readonly #queue: Outgoing[] = [];
  #queuedSizeBytes = 0;
  #isTransmitting = false;
  #isEnding = false;
  #isEndSent = false;
  #needsDrain = false;
  /** Taken and not yet delivered to the peer's code. */
  #windowSizeBytes = 0;
  /** When the last piece arrives: none overtakes it. */
  #lastArrivalMs = 0;

  // On the way in.
  readonly #arrived: Uint8Array[] = [];
  #isDelivering = false;
  #isPaused = false;
  /** Told once everything that arrived before it was delivered. */
  #arrivedEnd: End | null = null;
  #isClosed = false;
  #closedEnd: End | null = null;

  constructor(
    here: ConnectionSide,
    there: ConnectionSide,
    context: ConnectionContext,
    arrow: string,
  ) {
    this.remoteAddress = there.address.host;
    this.remotePort = there.address.port;
    this.#process = here.process;
    this.#context = context;
    this.#arrow = arrow;
    here.process.onDeath(() => this.#died());
  }

  join(peer: SimConnection): void {
    this.#peer = peer;
  }

  get queuedSizeBytes(): number {
    return this.#queuedSizeBytes;
  }

  start(handlers: ConnectionHandlers): void {
    this.#handlers = handlers;
    if (this.#closedEnd === null) this.#deliverSoon();
    else this.#tellClosed(this.#closedEnd);
  }

  write(parts: readonly Part[], sent?: () => void): boolean {
    if (this.#isClosed || this.#isEnding) {
      if (sent !== undefined) this.#process.clock.defer(sent);
      return false;
    }
    for (const part of parts) this.#queuedSizeBytes += partSizeBytes(part);
    const some = parts.filter((part) => partSizeBytes(part) > 0);
    this.#queue.push({ parts: some, sent });
    this.#transmitSoon();
    if (this.#queuedSizeBytes <= QUEUE_SIZE_BYTES_HIGH) return true;
    this.#needsDrain = true;
    return false;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#deliverSoon();
  }

  end(): void {
    this.#isEnding = true;
    this.#transmitSoon();
  }

  destroy(): void {
    if (this.#isClosed) return;
    const isCut = this.#queue.length > 0 || this.#arrived.length > 0;
    this.#close({ error: null });
    this.#endPeer(isCut ? reset("the other end was destroyed") : null);
  }

  // On the way out.

  #transmitSoon(): void {
    if (this.#isTransmitting || this.#isClosed) return;
    this.#isTransmitting = true;
    this.#process.schedule(TRANSMIT_MS, "transmit", this.#name, () => {
      void this.#transmit().finally(() => {
        this.#isTransmitting = false;
        this.#goOnTransmitting();
      });
    });
  }

  #goOnTransmitting(): void {
    if (this.#isClosed) return;
    if (this.#queue.length > 0) {
      if (this.#windowSizeBytes < WINDOW_SIZE_BYTES) this.#transmitSoon();
    } else if (this.#isEnding && !this.#isEndSent) {
      this.#isEndSent = true;
      this.#endPeer(null);
    }
  }

  /** Takes some bytes off the queue. */
  async #transmit(): Promise<void> {
    if (this.#isClosed || this.#queue.length === 0) return;
    const { faults } = this.#context;
    const room = WINDOW_SIZE_BYTES - this.#windowSizeBytes;
    const wanted = faults.pieceSizeBytes(Math.min(room, this.#queuedSizeBytes));
    const chunks: Uint8Array[] = [];
    let sizeBytes = 0;
    while (sizeBytes < wanted) {
      const chunk = await this.#takeChunk(wanted - sizeBytes);
      if (chunk === null || this.#isClosed) break;
      // A copy: what was written is given back as soon as it was taken.
      chunks.push(chunk.slice());
      sizeBytes += chunk.length;
    }
    if (this.#isClosed) return;
    this.#queuedSizeBytes -= sizeBytes;
    this.#tellSent();
    if (faults.cuts()) {
      this.#cut(Buffer.concat(chunks));
      return;
    }
    this.#launch(Buffer.concat(chunks));
    this.#maybeDrain();
  }

  /** Up to so many bytes of the first part of the first write; null where nothing is left. */
  async #takeChunk(sizeBytesMax: number): Promise<Uint8Array | null> {
    this.#tellSent();
    const outgoing = this.#queue[0];
    const part = outgoing?.parts[0];
    if (outgoing === undefined || part === undefined) return null;
    if (part instanceof Uint8Array) {
      if (part.length <= sizeBytesMax) outgoing.parts.shift();
      else outgoing.parts[0] = part.subarray(sizeBytesMax);
      return part.subarray(0, sizeBytesMax);
    }
    // A part that is read while it is sent: all of it at once is as good here.
    try {
      const read: Uint8Array[] = [];
      for await (const chunk of part.read()) read.push(chunk.slice());
      const whole = Buffer.concat(read);
      if (whole.length !== part.sizeBytes) {
        throw new RangeError(`${part.sizeBytes} bytes gave ${whole.length}`);
      }
      outgoing.parts[0] = whole;
    } catch (error) {
      this.#close({ error: new NetworkError("EPIPE", "a part failed", error) });
      this.#endPeer(reset("the other end failed"));
      return null;
    }
    return this.#takeChunk(sizeBytesMax);
  }

  /** Calls back for every write that left in full. */
  #tellSent(): void {
    for (;;) {
      const first = this.#queue[0];
      if (first === undefined || first.parts.length > 0) return;
      this.#queue.shift();
      first.sent?.();
    }
  }

  #maybeDrain(): void {
    if (!this.#needsDrain) return;
    if (this.#queuedSizeBytes > QUEUE_SIZE_BYTES_HIGH / 2) return;
    this.#needsDrain = false;
    this.#handlers?.onDrain();
  }

  #launch(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#windowSizeBytes += bytes.length;
    this.#arriveAtPeer(`${bytes.length}`, () => {
      // Nothing follows what was lost.
      if (this.#peer.#arrivedEnd !== null) return;
      this.#peer.#arrived.push(bytes);
      this.#peer.#deliverSoon();
    });
  }

  /** Only some of the piece arrives, then both see the end. */
  #cut(bytes: Uint8Array): void {
    const kept = this.#process.random.integer(bytes.length + 1);
    this.#launch(bytes.subarray(0, kept));
    this.#endPeer(reset("the network cut it"));
    this.#close({ error: reset("the network cut it") });
  }

  #endPeer(error: NetworkError | null): void {
    this.#arriveAtPeer(error === null ? "end" : "reset", () => {
      const peer = this.#peer;
      if (peer.#isClosed) return;
      peer.#arrivedEnd ??= { error };
      peer.#deliverSoon();
    });
  }

  /** Scheduled with the receiver: what is on its way does not depend on its sender any more. */
  #arriveAtPeer(what: string, arrive: () => void): void {
    const { simulator } = this.#process;
    const { faults } = this.#context;
    const atMs = Math.max(
      simulator.nowMs + faults.latencyMs(),
      this.#lastArrivalMs,
    );
    this.#lastArrivalMs = atMs;
    this.#peer.#process.schedule(
      atMs - simulator.nowMs,
      "arrive",
      `${this.#name} ${what}`,
      () => {
        const isLate = !this.#process.isAlive && !faults.deliversAfterDeath();
        if (!isLate || what === "reset") {
          arrive();
          return;
        }
        // It may have been the last word: nothing else would tell the peer.
        this.#peer.#arrivedEnd ??= { error: reset("lost on the way") };
        this.#peer.#deliverSoon();
      },
    );
  }

  // On the way in.

  #deliverSoon(): void {
    if (this.#isDelivering || this.#isClosed || this.#isPaused) return;
    if (this.#handlers === null) return;
    if (this.#arrived.length === 0 && this.#arrivedEnd === null) return;
    this.#isDelivering = true;
    this.#process.clock.defer(() => {
      this.#isDelivering = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    if (this.#isClosed || this.#isPaused || this.#handlers === null) return;
    const chunk = this.#arrived.shift();
    if (chunk !== undefined) {
      const peer = this.#peer;
      peer.#windowSizeBytes -= chunk.length;
      peer.#goOnTransmitting();
      // Its own buffer: it belongs to the receiver for good.
      this.#handlers.onData(new Uint8Array(chunk));
    } else if (this.#arrivedEnd !== null) {
      this.#receiveEnd(this.#arrivedEnd);
      return;
    }
    this.#deliverSoon();
  }

  /** After a clean end what is still queued here is sent; after a reset it is lost. */
  #receiveEnd(end: End): void {
    const hasMore = this.#queue.length > 0;
    if (end.error === null && hasMore && this.#peer.#process.isAlive) {
      this.#isEnding = true;
      this.#arrivedEnd = null;
      this.#transmitSoon();
      this.#process.schedule(50, "linger", this.#name, () => this.#close(end));
      return;
    }
    this.#close(end);
    if (!this.#isEndSent) this.#endPeer(null);
  }

  #close(end: End): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closedEnd = end;
    const dropped = this.#queue.splice(0);
    this.#queuedSizeBytes = 0;
    this.#arrived.length = 0;
    this.#process.clock.defer(() => {
      for (const { sent } of dropped) sent?.();
    });
    this.#tellClosed(end);
  }

  #tellClosed(end: End): void {
    const handlers = this.#handlers;
    if (handlers === null) return;
    this.#process.clock.defer(() => handlers.onClose(end.error));
  }

  #died(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#endPeer(reset("the process died"));
  }

  get #name(): string {
    return `${this.#context.name}${this.#arrow}`;
  }
}

function reset(detail: string): NetworkError {
  return new NetworkError("ECONNRESET", detail);
}
