/**
 * Tells whoever runs the broker that its disk is full. Clients hear of it with
 * each request and try again in silence; the log says it, but not as often.
 */
import type { Logger } from "../options.ts";
import type { Clock } from "../platform/clock.ts";
import type { StorageError } from "../storage/storage-error.ts";

const INTERVAL_MS = 60_000;

/** To be called with every fault of an append. */
export function createFullDiskNotice(parts: {
  readonly clock: Clock;
  readonly logger: Logger;
}): (fault: StorageError) => void {
  let nextMs = -Infinity;
  return (fault) => {
    if (fault.code !== "storage-full") return;
    const nowMs = parts.clock.monotonic();
    if (nowMs < nextMs) return;
    nextMs = nowMs + INTERVAL_MS;
    parts.logger.warn(
      { code: fault.code, path: fault.path },
      `records are refused until there is room: ${fault.message}`,
    );
  };
}
