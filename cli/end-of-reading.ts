/**
 * Where reading ends: at an offset of each partition, fixed when it starts, or
 * at a time that has yet to come.
 */
import type { Admin, RawRecord, TopicPartition } from "../client/index.ts";
import { type Place, resolvePlace } from "./place.ts";

export class EndOfReading {
  /** By partition, exclusive; null: there is no end yet. */
  readonly #endOffsets: ReadonlyMap<number, number> | null;
  /** Records from then on are not wanted; null: no such time. */
  readonly timestamp: number | null;

  constructor(
    endOffsets: ReadonlyMap<number, number> | null,
    timestamp: number | null,
  ) {
    this.#endOffsets = endOffsets;
    this.timestamp = timestamp;
  }

  isBehind(record: RawRecord): boolean {
    if (this.timestamp !== null && record.timestamp >= this.timestamp) {
      return true;
    }
    return this.isReached(record.partition, record.offset);
  }

  /** `nextOffset`: of the record that would be read next. */
  isReached(partition: number, nextOffset: number): boolean {
    const end = this.#endOffsets?.get(partition);
    return end !== undefined && nextOffset >= end;
  }
}

export async function findEndOfReading(
  admin: Admin,
  partitions: readonly TopicPartition[],
  options: { readonly until: Place | null; readonly nowMs: number },
): Promise<EndOfReading> {
  const { until, nowMs } = options;
  if (until === null) return new EndOfReading(null, null);
  const isTime = typeof until === "object" && "timestamp" in until;
  if (isTime && until.timestamp > nowMs) {
    return new EndOfReading(null, until.timestamp);
  }
  // An offset is waited for, though it may not be there yet.
  const ends =
    typeof until === "object" && "offset" in until
      ? partitions.map(() => until.offset)
      : await resolvePlace(admin, partitions, until);
  return new EndOfReading(
    new Map(
      partitions.map(({ partition }, index) => [partition, ends[index] ?? 0]),
    ),
    null,
  );
}
