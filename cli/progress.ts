/** Signs of life on standard error from work that may take hours. */
import { note } from "./output.ts";

const INTERVAL_MS = 5_000;

/** Says at most every few seconds how much is done so far; nothing of what is done before that. */
export function createProgress(
  what: string,
  now: () => number = () => performance.now(),
  say: (text: string) => void = note,
): (sizeBytes: number) => void {
  let doneSizeBytes = 0;
  let dueMs = now() + INTERVAL_MS;
  return (sizeBytes) => {
    doneSizeBytes += sizeBytes;
    if (now() < dueMs) return;
    dueMs = now() + INTERVAL_MS;
    say(`${what} ${formatSize(doneSizeBytes)} so far`);
  };
}

const units = ["bytes", "KB", "MB", "GB", "TB"] as const;

/** As people say it: `532 bytes`, `1.4 GB`. */
export function formatSize(sizeBytes: number): string {
  let value = sizeBytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
