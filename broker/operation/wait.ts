/**
 * Waiting with a deadline: for bytes to arrive, for a disk to sync.
 *
 * Every wait ends by itself: by what it waits for, at its deadline, or when the
 * connection that asked is gone.
 */
import type { Cancel, Clock } from "../platform/clock.ts";
import type { RequestContext } from "./context.ts";

/** What `promise` resolves to, or `late` when the time is over first. */
export function withDeadline<T, L>(
  clock: Clock,
  promise: Promise<T>,
  timeoutMs: number,
  late: L,
): Promise<T | L> {
  return new Promise((resolve, reject) => {
    const cancel = clock.schedule(timeoutMs, () => resolve(late));
    promise.then(
      (value) => {
        cancel();
        resolve(value);
      },
      (error: unknown) => {
        cancel();
        reject(error);
      },
    );
  });
}

/** Something that calls back when it has more. */
export interface Wakeable {
  onAppend(listener: () => void): Cancel;
}

/** A wait over several sources, with one deadline. Listens from its creation until `close`. */
export class Wake {
  readonly #cancels: readonly Cancel[];
  readonly #closed: AbortSignal;
  readonly #onEnd: () => void;
  #isOver = false;
  /** Something came since the last `next`. */
  #hasCome = false;
  #resolve: (() => void) | null = null;

  constructor(
    clock: Clock,
    context: RequestContext,
    sources: readonly Wakeable[],
    timeoutMs: number,
  ) {
    this.#closed = context.closed;
    this.#isOver = this.#closed.aborted;
    this.#onEnd = () => {
      this.#isOver = true;
      this.#wake();
    };
    this.#cancels = [
      clock.schedule(timeoutMs, this.#onEnd),
      ...sources.map((source) => source.onAppend(() => this.#wake())),
    ];
    this.#closed.addEventListener("abort", this.#onEnd, { once: true });
  }

  /** The deadline has passed, or the connection is gone. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Resolves when a source has more, or the wait is over. */
  async next(): Promise<void> {
    if (!this.#hasCome && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
      });
    }
    this.#hasCome = false;
  }

  close(): void {
    for (const cancel of this.#cancels) cancel();
    this.#closed.removeEventListener("abort", this.#onEnd);
  }

  #wake(): void {
    this.#hasCome = true;
    this.#resolve?.();
    this.#resolve = null;
  }
}
