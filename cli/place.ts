/**
 * Places in a partition, as people write them:
 *
 *   earliest, latest            the first record, and behind the last
 *   1200                        an offset
 *   -100                        100 records before the end
 *   -15m  -36h  -7d  -10s       a time that long ago
 *   2026-03-01                  a time; UTC unless it says otherwise
 *   2026-03-01T12:30            "
 *   2026-03-01T12:30:00+02:00   "
 */
import { InvalidArgumentError } from "commander";
import type { Admin, TopicPartition } from "../client/index.ts";

export type Place =
  | "earliest"
  | "latest"
  | { readonly offset: number }
  | { readonly countFromEnd: number }
  | { readonly timestamp: number };

const unitsMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

const isoTime =
  /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?$/i;

/** Times that count back do so from `nowMs`. Throws commander's `InvalidArgumentError`. */
export function parsePlace(text: string, nowMs: number = Date.now()): Place {
  if (text === "earliest" || text === "latest") return text;
  const number = /^(-?)(\d+)$/.exec(text);
  if (number !== null) {
    const count = Number(number[2]);
    if (Number.isSafeInteger(count)) {
      return number[1] === "-" ? { countFromEnd: count } : { offset: count };
    }
  }
  const ago = /^-(\d+(?:\.\d+)?)(ms|[smhdw])$/.exec(text);
  if (ago !== null) {
    const unitMs = unitsMs[ago[2] ?? ""] ?? 0;
    return {
      timestamp: Math.max(0, Math.round(nowMs - Number(ago[1]) * unitMs)),
    };
  }
  const timestamp = parseTime(text);
  if (timestamp !== null) return { timestamp };
  throw new InvalidArgumentError(
    "It is not earliest, latest, an offset, a time (2026-03-01T12:30) or a span back (-15m).",
  );
}

function parseTime(text: string): number | null {
  const match = isoTime.exec(text);
  if (match === null) return null;
  const hasTime = text.length > "2026-03-01".length;
  const isZoned = !hasTime || match[1] !== undefined;
  const timestamp = Date.parse((isZoned ? text : `${text}Z`).replace(" ", "T"));
  return Number.isNaN(timestamp) || timestamp < 0 ? null : timestamp;
}

/** Where the place is in each of the partitions, between their first and next offset. */
export async function resolvePlace(
  admin: Admin,
  partitions: readonly TopicPartition[],
  place: Place,
): Promise<readonly number[]> {
  const offsetsAt = (
    at: "earliest" | "latest" | { readonly timestamp: number },
  ) => admin.offsetsAt(partitions.map((one) => ({ ...one, at })));
  const ends = (await offsetsAt("latest")).map((end) => end ?? 0);
  if (place === "latest") return ends;
  if (typeof place === "object" && "timestamp" in place) {
    // No record is so young: behind the last.
    const found = await offsetsAt(place);
    return ends.map((end, index) => found[index] ?? end);
  }
  const starts = (await offsetsAt("earliest")).map((start) => start ?? 0);
  return starts.map((start, index) => {
    const end = ends[index] ?? start;
    if (place === "earliest") return start;
    const wanted =
      "offset" in place ? place.offset : Math.max(0, end - place.countFromEnd);
    return Math.min(Math.max(wanted, start), end);
  });
}
