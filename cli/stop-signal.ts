/** Ctrl-C and `kill`: the first asks a command to end, the second ends it. */

/** Aborted at the first SIGINT or SIGTERM. */
export function stopSignal(): AbortSignal {
  const stopping = new AbortController();
  const stop = (signal: NodeJS.Signals) => {
    if (stopping.signal.aborted) {
      // 128 + the signal's number, as shells have it.
      process.exit(signal === "SIGINT" ? 130 : 143);
    }
    stopping.abort();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  return stopping.signal;
}
