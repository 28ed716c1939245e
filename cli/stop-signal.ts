/** Ctrl-C and `kill`: the first asks a command to end, one that comes later ends it. */

/**
 * What comes so soon behind the first is the same wish: a terminal's Ctrl-C
 * goes to all processes, and `npm` and `timeout` pass on what they get as well.
 */
const SAME_WISH_MS = 250;

/** Aborted at the first SIGINT or SIGTERM. */
export function stopSignal(): AbortSignal {
  const stopping = createStopping({
    nowMs: () => performance.now(),
    exit: (code) => process.exit(code),
  });
  process.on("SIGINT", stopping.signalled);
  process.on("SIGTERM", stopping.signalled);
  return stopping.signal;
}

/** Whoever stops looks at the one, whoever hears of a signal calls the other. */
export interface Stopping {
  readonly signal: AbortSignal;
  readonly signalled: (signal: NodeJS.Signals) => void;
}

export function createStopping(parts: {
  readonly nowMs: () => number;
  readonly exit: (code: number) => void;
}): Stopping {
  const stopping = new AbortController();
  let firstMs = 0;
  return {
    signal: stopping.signal,
    signalled: (signal) => {
      if (!stopping.signal.aborted) {
        firstMs = parts.nowMs();
        stopping.abort();
      } else if (parts.nowMs() - firstMs >= SAME_WISH_MS) {
        // 128 + the signal's number, as shells have it.
        parts.exit(signal === "SIGINT" ? 130 : 143);
      }
    },
  };
}
