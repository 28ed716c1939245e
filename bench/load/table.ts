/** The strangers of `npm run bench -- load`, and what they cost, in a table. */
import { median, table } from "../harness.ts";
import { benchLoad } from "./load.ts";
import type { StrangersName } from "./strangers.ts";

const MB = 1e6;
/** What may come on top of the documented limits. */
const SLACK_SIZE_BYTES = 64 * 1024 * 1024;
/** `receivedSizeBytesMax`, the limit that strangers can fill: see docs/limits.md. */
const RECEIVED_SIZE_BYTES_MAX = 256 * 1024 * 1024;

const crowds: readonly (readonly [StrangersName, number, number | null])[] = [
  ["slow consumers", 1_000, null],
  ["idle connections", 2_000, null],
  ["clients that never read", 100, null],
  ["one byte a second", 1_000, null],
  ["connects in a burst", 10_000, null],
  ["frames of 100 MB", 20, null],
  // More than may be open in all.
  ["idle connections", 500, 256],
];

export async function loadTable(scale: number): Promise<string> {
  const rows: string[][] = [];
  for (const [who, count, descriptorsMax] of crowds) {
    const some = Math.max(1, Math.round(count * Math.max(scale, 0.01)));
    const figures = await benchLoad({
      who,
      count: some,
      descriptorsMax,
      roundCount: scale < 1 ? 1 : 3,
      turnMs: scale < 1 ? 300 : 5_000,
      batchesPerSecond: 100,
      storedSizeBytes: 50e6 * scale,
    });
    const without = median(figures.p99Ms.without);
    const meanwhile = median(figures.p99Ms.with);
    const grown = figures.mostRssBytes - figures.idleRssBytes;
    const allowed = RECEIVED_SIZE_BYTES_MAX + SLACK_SIZE_BYTES;
    const limit = descriptorsMax === null ? "" : `, ${descriptorsMax} fds`;
    rows.push([
      `${some} ${who}${limit}`,
      String(figures.presentCount),
      without.toFixed(1),
      meanwhile.toFixed(1),
      (meanwhile / without).toFixed(1),
      `${Math.round(figures.idleRssBytes / MB)} MB`,
      `+${Math.round(grown / MB)} MB`,
      `+${Math.round(allowed / MB)} MB`,
    ]);
  }
  return table(
    [
      "Load: another client's produce, 100 batches a second",
      "connected",
      "p99 without, ms",
      "with, ms",
      "ratio (goal 2)",
      "RSS",
      "at most",
      "allowed",
    ],
    rows,
  );
}
