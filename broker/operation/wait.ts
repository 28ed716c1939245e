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

/**
 * Calls `isEnough` now and after each append to any source; resolves true when
 * it holds, false when the time is over or the connection is gone.
 */
export function waitUntil(
  clock: Clock,
  context: RequestContext,
  sources: readonly Wakeable[],
  timeoutMs: number,
  isEnough: () => boolean,
): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (result: boolean): void => {
      cancelTimer();
      for (const cancel of cancels) cancel();
      context.closed.removeEventListener("abort", onClosed);
      resolve(result);
    };
    const onClosed = (): void => finish(false);
    const cancelTimer = clock.schedule(timeoutMs, () => finish(false));
    const cancels = sources.map((source) =>
      source.onAppend(() => {
        if (isEnough()) finish(true);
      }),
    );
    context.closed.addEventListener("abort", onClosed, { once: true });
    if (context.closed.aborted || isEnough()) finish(!context.closed.aborted);
  });
}
