/**
 * Waiting: for time, for a signal, for somebody else; and how long to wait
 * before another try.
 */
import type { Clock } from "../../broker/platform/clock.ts";
import type { Random } from "../../broker/platform/random.ts";
import { ClientError } from "../errors.ts";

const BACKOFF_MS_MIN = 100;
const BACKOFF_MS_MAX = 1_000;
const JITTER = 0.2;

/**
 * How long to wait before try `attempt` + 1: 100 ms, doubled each time up to
 * 1 s, give or take a fifth so that clients do not come back in step (KIP-580).
 */
export function backoffMs(attempt: number, random: Random): number {
  const exponent = Math.min(Math.max(attempt - 1, 0), 10);
  const base = Math.min(BACKOFF_MS_MIN * 2 ** exponent, BACKOFF_MS_MAX);
  return base * (1 - JITTER + 2 * JITTER * random.fraction());
}

/** Resolves after `delayMs`, or as soon as `signal` fires; it never rejects. */
export function sleep(
  clock: Clock,
  delayMs: number,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      cancel();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const cancel = clock.schedule(delayMs, done);
    signal.addEventListener("abort", done, { once: true });
  });
}

/** What `work` gives, or null as soon as `signal` fires; the work itself goes on unseen. */
export function unlessAborted<T>(
  work: Promise<T>,
  signal: AbortSignal,
): Promise<T | null> {
  return new Promise((resolve, reject) => {
    const abort = (): void => resolve(null);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => {
      signal.removeEventListener("abort", abort);
    });
  });
}

export function abortedError(signal: AbortSignal): ClientError {
  return new ClientError("aborted", "the caller's signal ended the wait", {
    cause: signal.reason,
  });
}

/** What `work` gives, or `timed-out` after `delayMs`; the work itself goes on unseen. */
export function withDeadline<T>(
  clock: Clock,
  delayMs: number,
  what: string,
  work: Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.schedule(delayMs, () =>
      reject(
        new ClientError("timed-out", `${what} took more than ${delayMs} ms`, {
          isRetriable: true,
        }),
      ),
    );
    work.then(resolve, reject).finally(cancel);
  });
}

/** Somebody waits until somebody else says that something changed. */
export class Bell {
  #waiting: (() => void)[] = [];

  ring(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  rung(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/** A promise that somebody else resolves. */
export class Deferred {
  readonly promise: Promise<void>;
  #resolve = (): void => {};

  constructor() {
    this.promise = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  resolve(): void {
    this.#resolve();
  }
}
