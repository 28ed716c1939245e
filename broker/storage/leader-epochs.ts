/**
 * Which leader epoch began at which offset (KIP-101, KIP-320).
 *
 *   leader-epoch-checkpoint := "0\n" count "\n" { epoch " " startOffset "\n" }
 *
 * DO NOT CHANGE: on disk, Kafka's own format. Both columns grow strictly. An
 * epoch is entered before the first batch that carries it is written, so a
 * crash may leave an entry at the log's very end: opening takes it out.
 */
import {
  formatCheckpoint,
  parseCheckpoint,
  parseWholeNumber,
} from "./checkpoint.ts";

export interface EpochStart {
  readonly epoch: number;
  readonly startOffset: number;
}

export interface EpochEnd {
  readonly epoch: number;
  readonly endOffset: number;
}

export class LeaderEpochs {
  #starts: EpochStart[];
  #isDirty = false;

  constructor(starts: readonly EpochStart[] = []) {
    this.#starts = [...starts];
  }

  /** The file does not say what the memory says. */
  get isDirty(): boolean {
    return this.#isDirty;
  }

  get latest(): EpochStart | null {
    return this.#starts.at(-1) ?? null;
  }

  starts(): readonly EpochStart[] {
    return this.#starts;
  }

  /** Enters the epoch, if it is newer than all others. */
  assign(epoch: number, startOffset: number): void {
    const { latest } = this;
    if (latest !== null && epoch <= latest.epoch) return;
    // An epoch in which nothing was written makes room for its successor.
    if (latest !== null && latest.startOffset >= startOffset)
      this.#starts.pop();
    this.#starts.push({ epoch, startOffset });
    this.#isDirty = true;
  }

  /** Takes out the epochs that begin at or behind the log's end. */
  truncateFromEnd(endOffset: number): void {
    while ((this.latest?.startOffset ?? -1) >= endOffset) {
      this.#starts.pop();
      this.#isDirty = true;
    }
  }

  /** Takes out what ended before the log's start; the epoch of the start begins there now. */
  truncateFromStart(startOffset: number): void {
    let slot = this.#starts.length - 1;
    while (slot >= 0 && (this.#starts[slot]?.startOffset ?? 0) > startOffset) {
      slot--;
    }
    const covering = this.#starts[slot];
    if (covering === undefined) return;
    if (slot === 0 && covering.startOffset === startOffset) return;
    this.#starts.splice(0, slot + 1, { epoch: covering.epoch, startOffset });
    this.#isDirty = true;
  }

  /** The epoch that the record with this offset was written in, or null. */
  epochOf(offset: number): number | null {
    for (let slot = this.#starts.length - 1; slot >= 0; slot--) {
      const start = this.#starts[slot];
      if (start !== undefined && start.startOffset <= offset)
        return start.epoch;
    }
    return null;
  }

  /**
   * Where the epoch ended: the start of the next one, or the log's end for the
   * latest. Answers the greatest epoch known that is not above the asked one.
   * Null for an epoch that is newer than all, where none are known, and for -1,
   * which is no epoch.
   */
  endOffsetFor(epoch: number, logEndOffset: number): EpochEnd | null {
    const { latest } = this;
    if (epoch < 0) return null;
    if (latest === null || epoch > latest.epoch) return null;
    if (epoch === latest.epoch) return { epoch, endOffset: logEndOffset };
    let floor: EpochStart | null = null;
    for (const start of this.#starts) {
      if (start.epoch > epoch) {
        // Older than all: it ended where the first known one began.
        return {
          epoch: floor === null ? epoch : floor.epoch,
          endOffset: start.startOffset,
        };
      }
      floor = start;
    }
    return null;
  }

  /** The file's content. To be written before anything that relies on it. */
  encode(): Uint8Array {
    return formatCheckpoint(
      this.#starts.map((start) => [start.epoch, start.startOffset]),
    );
  }

  /** What `encode` gave is in the file. */
  noteWritten(): void {
    this.#isDirty = false;
  }
}

/** Throws `corrupt-file`. */
export function parseLeaderEpochs(
  bytes: Uint8Array,
  path: string,
): LeaderEpochs {
  return new LeaderEpochs(
    parseCheckpoint(bytes, path).map((columns) => ({
      epoch: parseWholeNumber(columns[0], path),
      startOffset: parseWholeNumber(columns[1], path),
    })),
  );
}
