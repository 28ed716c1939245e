/** Time as the broker sees it. */

/** Takes a scheduled call back; harmless after it has fired. */
export type Cancel = () => void;

export interface Clock {
  /** Milliseconds since the epoch, for timestamps that leave the process. */
  now(): number;
  /** Milliseconds since some origin, never going back: for every time-out. */
  monotonic(): number;
  /** Calls `fire` once, not before `delayMs` have passed. Does not keep the process alive. */
  schedule(delayMs: number, fire: () => void): Cancel;
  /** Calls `fire` at the end of this turn of the event loop, after the I/O that is ready now. */
  defer(fire: () => void): void;
}
