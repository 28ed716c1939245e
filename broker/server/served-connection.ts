/**
 * One connection being served: frames are processed in the order they came,
 * and answered in that order.
 *
 * - The next request begins when the one before it is *processed* (a Produce:
 *   its offsets are assigned; a waiting Fetch: answered), as in Kafka.
 * - Answers that are ready early wait for those before them.
 * - Back-pressure inwards: too many requests unanswered, or too much received
 *   and not answered (`ReceiveBudget`), and the socket is not read.
 * - Back-pressure outwards: too much queued for a peer that does not read, and
 *   no further request of it is processed until the queue has drained.
 * - What is large, in either direction, waits for its turn (`TurnShare`), and
 *   the requests behind such an answer with it.
 *
 * Whatever goes wrong ends this connection only, with one log line.
 */
import type { Logger } from "../options.ts";
import { concatBytes, giveBackMemory } from "../lib/bytes.ts";
import type { Payload } from "../lib/payload.ts";
import type { Clock } from "../platform/clock.ts";
import type { Connection, NetworkError } from "../platform/network.ts";
import { FrameReader } from "../wire/frame.ts";
import { WireError } from "../wire/wire-error.ts";
import {
  type Handled,
  ProtocolViolation,
  type Session,
  type SessionPeer,
} from "./protocol.ts";
import type { BudgetUser, ReceiveBudget } from "./receive-budget.ts";
import type { TurnShares } from "./turn-share.ts";

const FRAME_PREFIX_SIZE = 4;
/** An answer from this size on is large; who sends so much at once has more to come. */
const LARGE_SIZE_BYTES = 32 * 1024;

export interface ServedConnectionLimits {
  readonly frameSizeBytesMax: number;
  readonly requestsInFlightMax: number;
  readonly queuedSizeBytesMax: number;
}

/** Chooses the session by the first bytes; null: not enough of them yet. */
export type OpenSession = (
  head: Uint8Array,
  peer: SessionPeer,
) => { readonly session: Session; readonly skipSizeBytes: number } | null;

type PauseReason = "requests" | "budget" | "turn";

interface PendingAnswer {
  payload: Payload | null;
  isReady: boolean;
}

export class ServedConnection implements BudgetUser, SessionPeer {
  // Fixed from the start.
  readonly connectionId: number;
  readonly remoteAddress: string;
  readonly listener: string;
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #budget: ReceiveBudget;
  readonly #turns: TurnShares;
  readonly #limits: ServedConnectionLimits;
  readonly #openSession: OpenSession;
  readonly #logger: Logger;
  readonly #onEnd: (connection: ServedConnection) => void;
  readonly #frames: FrameReader;

  /** Made when somebody asks for it: of all that a connection is made of it costs the most. */
  #closed: AbortController | null = null;

  // Moves with each chunk and each request.
  #session: Session | null = null;
  #head: Uint8Array | null = null;
  #queue: Uint8Array[] = [];
  #answers: PendingAnswer[] = [];
  /** Received and counted in the budget, not answered yet. */
  #heldSizeBytes = 0;
  #lastReceivedMs: number;
  /** All frames of this turn were handled, and left nobody with their bytes. */
  #areFramesFree = true;
  #isProcessing = false;
  #isFailing = false;
  #isEnded = false;
  /** Why the socket is not read; it is read when there is no reason left. */
  #pauseReasons = new Set<PauseReason>();
  /** The first answer is ready, and waits for its turn. */
  #isAnswerWaiting = false;
  /** A push was told to wait, and is called when it is its turn. */
  #isPushWaiting = false;
  #writable: () => void = () => {};

  constructor(
    connection: Connection,
    parts: {
      readonly connectionId: number;
      readonly listener: string;
      readonly clock: Clock;
      readonly budget: ReceiveBudget;
      readonly turns: TurnShares;
      readonly limits: ServedConnectionLimits;
      readonly openSession: OpenSession;
      readonly logger: Logger;
      readonly onEnd: (connection: ServedConnection) => void;
    },
  ) {
    this.#connection = connection;
    this.connectionId = parts.connectionId;
    this.remoteAddress = connection.remoteAddress;
    this.listener = parts.listener;
    this.#clock = parts.clock;
    this.#lastReceivedMs = parts.clock.monotonic();
    this.#budget = parts.budget;
    this.#turns = parts.turns;
    this.#limits = parts.limits;
    this.#openSession = parts.openSession;
    this.#logger = parts.logger;
    this.#onEnd = parts.onEnd;
    this.#frames = new FrameReader(parts.limits.frameSizeBytesMax);
    this.#budget.join(this);
    connection.start({
      onData: (chunk) => this.#guard(() => this.#receive(chunk)),
      onDrain: () => this.#guard(() => this.#drained()),
      onClose: (error) => this.#end(error),
    });
  }

  get closed(): AbortSignal {
    this.#closed ??= new AbortController();
    if (this.#isEnded) this.#closed.abort();
    return this.#closed.signal;
  }

  get stuckSizeBytes(): number {
    return this.#isPeerTaking
      ? this.#frames.heldSizeBytes
      : this.#heldSizeBytes;
  }

  pauseReading(): void {
    this.#pause("budget");
  }

  resumeReading(): void {
    this.#resume("budget");
  }

  evict(): void {
    this.#fail(
      new ProtocolViolation(
        `${this.stuckSizeBytes} bytes held up by the peer while the receive buffer is full`,
      ),
    );
  }

  push(payload: Payload): boolean {
    const isTaking = this.#send(payload);
    if (!isTaking || !this.#turns.sent.isSpent) return isTaking;
    if (!this.#isPushWaiting) {
      this.#isPushWaiting = true;
      this.#turns.sent.wait(() => {
        this.#isPushWaiting = false;
        this.#guard(() => this.#writable());
      });
    }
    return false;
  }

  onWritable(listener: () => void): void {
    this.#writable = listener;
  }

  /** Ends the connection after what is queued has been sent. */
  close(): void {
    this.#connection.end();
  }

  destroy(): void {
    this.#connection.destroy();
  }

  /** Nothing came for so long, and nobody here owes an answer or has something to push. */
  isIdleFor(durationMs: number): boolean {
    const isBusy =
      this.#answers.length > 0 ||
      this.#queue.length > 0 ||
      this.#session?.isWaiting === true;
    const silentMs = this.#clock.monotonic() - this.#lastReceivedMs;
    return !isBusy && silentMs >= durationMs;
  }

  closeIdle(): void {
    const half = this.#frames.heldSizeBytes;
    this.#logger.info(
      { connection: this.connectionId, remote: this.remoteAddress },
      half === 0
        ? "connection closed: idle"
        : `connection closed: ${half} bytes of a frame, then silence`,
    );
    this.#connection.destroy();
  }

  #receive(chunk: Uint8Array): void {
    const bytes = this.#withHead(chunk);
    if (bytes === null) return;
    this.#heldSizeBytes += bytes.length;
    this.#budget.take(this, bytes.length);
    this.#lastReceivedMs = this.#clock.monotonic();
    this.#areFramesFree = true;
    this.#frames.push(bytes, (frame) => this.#queue.push(frame));
    this.#pump();
    this.#spendTurn(chunk.length);
    // What is left of it, half a frame, was copied.
    const isChunkFree = this.#areFramesFree && this.#queue.length === 0;
    if (isChunkFree) giveBackMemory(chunk);
  }

  /** Who sends much is read on in a later turn, if others have spent this one. */
  #spendTurn(sizeBytes: number): void {
    const { received } = this.#turns;
    received.spend(sizeBytes);
    const isOver = received.isSpent && sizeBytes >= LARGE_SIZE_BYTES;
    if (!isOver || this.#pauseReasons.has("turn")) return;
    this.#pause("turn");
    received.wait(() => this.#resume("turn"));
  }

  /** The first bytes choose the protocol; until there are enough, they are kept here. */
  #withHead(chunk: Uint8Array): Uint8Array | null {
    if (this.#session !== null) return chunk;
    const head = this.#head === null ? chunk : concatBytes([this.#head, chunk]);
    const opened = this.#openSession(head, this);
    if (opened === null) {
      this.#head = head;
      return null;
    }
    this.#head = null;
    this.#session = opened.session;
    return head.subarray(opened.skipSizeBytes);
  }

  #pump(): void {
    while (this.#mayProcess()) {
      const frame = this.#queue.shift();
      if (frame === undefined) break;
      this.#process(frame);
    }
    if (this.#queue.length >= this.#limits.requestsInFlightMax) {
      this.#pause("requests");
    } else {
      this.#resume("requests");
    }
  }

  #mayProcess(): boolean {
    return (
      !this.#isProcessing &&
      !this.#isAnswerWaiting &&
      !this.#isFailing &&
      !this.#isEnded &&
      this.#answers.length < this.#limits.requestsInFlightMax &&
      this.#isPeerTaking
    );
  }

  /** False: it does not read its answers, so its requests wait. */
  get #isPeerTaking(): boolean {
    return this.#connection.queuedSizeBytes <= this.#limits.queuedSizeBytesMax;
  }

  #process(frame: Uint8Array): void {
    const handled = this.#handle(frame);
    if (handled === undefined) return;
    this.#expect(handled, frame.length + FRAME_PREFIX_SIZE);
    if (handled.isFrameFree === true) giveBackMemory(frame);
    else this.#areFramesFree = false;
    if (handled.processed === null) return;
    this.#isProcessing = true;
    const done = (): void => {
      this.#isProcessing = false;
      this.#guard(() => this.#pump());
    };
    handled.processed.then(done, (error: unknown) => this.#fail(error));
  }

  #handle(frame: Uint8Array): Handled | undefined {
    try {
      return this.#session?.handle(frame);
    } catch (error) {
      // What could not be read nobody has; it may be a hundred megabytes.
      if (isPeersFault(error)) giveBackMemory(frame);
      throw error;
    }
  }

  /** A frame leaves the budget when it is answered: until then somebody may hold its bytes. */
  #giveBack(frameSizeBytes: number): void {
    if (this.#isEnded) return;
    this.#heldSizeBytes -= frameSizeBytes;
    this.#budget.give(frameSizeBytes);
  }

  #expect(handled: Handled, frameSizeBytes: number): void {
    if (!(handled.answer instanceof Promise)) {
      this.#giveBack(frameSizeBytes);
      if (handled.answer === null) return;
      this.#answers.push({ payload: handled.answer, isReady: true });
      this.#sendReady();
      return;
    }
    const pending: PendingAnswer = { payload: null, isReady: false };
    this.#answers.push(pending);
    handled.answer.then(
      (payload) => {
        if (this.#isEnded) {
          payload?.release();
          return;
        }
        this.#giveBack(frameSizeBytes);
        pending.payload = payload;
        pending.isReady = true;
        this.#guard(() => {
          this.#sendReady();
          this.#pump();
        });
      },
      (error: unknown) => this.#fail(error),
    );
  }

  #sendReady(): void {
    while (!this.#isAnswerWaiting && this.#answers[0]?.isReady === true) {
      const { payload } = this.#answers[0];
      const isLarge = payload !== null && payload.sizeBytes >= LARGE_SIZE_BYTES;
      if (isLarge && this.#turns.sent.isSpent) {
        this.#isAnswerWaiting = true;
        this.#turns.sent.wait(() => this.#guard(() => this.#sendInTurn()));
        return;
      }
      this.#answers.shift();
      if (payload !== null) this.#send(payload);
    }
  }

  #sendInTurn(): void {
    this.#isAnswerWaiting = false;
    this.#sendReady();
    this.#pump();
  }

  #send(payload: Payload): boolean {
    if (this.#isEnded) {
      payload.release();
      return true;
    }
    this.#turns.sent.spend(payload.sizeBytes);
    return this.#connection.write(payload.parts, payload.release);
  }

  #drained(): void {
    this.#pump();
    this.#writable();
  }

  #pause(reason: PauseReason): void {
    if (this.#pauseReasons.size === 0) this.#connection.pause();
    this.#pauseReasons.add(reason);
  }

  #resume(reason: PauseReason): void {
    if (!this.#pauseReasons.delete(reason)) return;
    if (this.#pauseReasons.size === 0 && !this.#isEnded) {
      this.#connection.resume();
    }
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** A violation is the peer's fault: a line and the end. Anything else is ours, and says so. */
  #fail(error: unknown): void {
    if (this.#isEnded || this.#isFailing) return;
    this.#isFailing = true;
    const fields = {
      connection: this.connectionId,
      remote: this.remoteAddress,
      reason: error instanceof Error ? error.message : String(error),
    };
    if (isPeersFault(error)) {
      this.#logger.warn(fields, "connection closed: the peer broke protocol");
    } else {
      this.#logger.error(
        { ...fields, err: error },
        "connection closed: a request failed",
      );
    }
    const farewell = isPeersFault(error)
      ? (this.#session?.farewell?.(error.message) ?? null)
      : null;
    if (farewell === null) {
      this.#connection.destroy();
      return;
    }
    this.#send(farewell);
    this.#connection.end();
  }

  #end(error: NetworkError | null): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    if (error !== null) {
      this.#logger.debug(
        { connection: this.connectionId, reason: error.message },
        "connection lost",
      );
    }
    this.#closed?.abort();
    this.#frames.discard();
    this.#session?.close();
    for (const { payload } of this.#answers) payload?.release();
    this.#answers = [];
    // Nobody else has seen them.
    for (const frame of this.#queue.splice(0)) giveBackMemory(frame);
    this.#budget.leave(this);
    this.#budget.give(this.#heldSizeBytes);
    this.#onEnd(this);
  }
}

function isPeersFault(error: unknown): error is ProtocolViolation | WireError {
  return error instanceof ProtocolViolation || error instanceof WireError;
}
