/**
 * Whether what a segment held when it was opened is still what was written:
 * bits flip while nobody looks. Before a range is read for the first time, its
 * batches' checksums are checked, once, off the event loop, a window of 16 MB at
 * a time. What this process appended itself is not checked again.
 *
 * Kept are the stretches that were checked, which grow together, and the damage
 * that was found in them. A damaged batch takes nothing along but itself, where
 * its length can be believed; else everything up to the next indexed batch.
 *
 * Positions come from the index, which may be damaged as well. So a window that
 * does not even begin with a batch is checked once more from where one is known
 * to begin, and one in which something is wrong up to the segment's end.
 */
import { batchFrames } from "../record/batch-format.ts";
import type { BadFrame, FrameRange } from "../lib/checked-frames.ts";
import type { DiskFile } from "../platform/disk.ts";
import type { LogFile } from "./log-file.ts";
import type { IndexedPosition, OffsetIndex } from "./offset-index.ts";
import type { Finding } from "./recovery-report.ts";

const WINDOW_SIZE_BYTES = 16 * 1024 * 1024;

export interface Damage {
  readonly position: number;
  /** Exclusive: where the next batch begins that holds. */
  readonly endPosition: number;
  readonly detail: string;
}

/** What is known from a position on. */
export interface CheckedStretch {
  /** Exclusive; more may be good, but nobody has looked. */
  readonly endPosition: number;
  /** The first that reaches behind the position. */
  readonly damage: Damage | null;
}

interface Interval {
  readonly position: number;
  readonly endPosition: number;
}

export interface CheckedSegment {
  readonly baseOffset: number;
  readonly log: LogFile;
  readonly offsetIndex: OffsetIndex;
}

export class ReadCheck {
  readonly #segment: CheckedSegment;
  /** Checked, ascending, with unchecked bytes in between. */
  #intervals: readonly Interval[] = [];
  /** Ascending. */
  readonly #damages: Damage[] = [];
  #checking: Promise<void> | null = null;

  constructor(segment: CheckedSegment) {
    this.#segment = segment;
  }

  /** Null: `check` is due. */
  stretchAt(position: number): CheckedStretch | null {
    const { openedSizeBytes } = this.#segment.log;
    if (position >= openedSizeBytes) return everything;
    const interval = this.#intervals.find(
      (one) => one.position <= position && position < one.endPosition,
    );
    if (interval === undefined) return null;
    const { endPosition } = interval;
    const damage = this.#damages.find((one) => one.endPosition > position);
    const isInside = damage !== undefined && damage.position < endPosition;
    return {
      endPosition: endPosition === openedSizeBytes ? Infinity : endPosition,
      damage: isInside ? damage : null,
    };
  }

  /**
   * Checks from a position on, where a batch should begin, if that was not done.
   * `endOffset`: where the next segment begins. Throws as the file does.
   */
  async check(
    position: number,
    endOffset: number,
    found: (finding: Finding) => void,
  ): Promise<CheckedStretch> {
    for (;;) {
      const stretch = this.stretchAt(position);
      if (stretch !== null) return stretch;
      this.#checking ??= this.#checkFrom(position, endOffset, found).finally(
        () => {
          this.#checking = null;
        },
      );
      await this.#checking;
    }
  }

  async #checkFrom(
    position: number,
    endOffset: number,
    found: (finding: Finding) => void,
  ): Promise<void> {
    const { log, baseOffset } = this.#segment;
    const lease = await log.lease();
    try {
      const border = this.#borderBefore(position);
      const end = await this.#windowEnd(position);
      const range = {
        position,
        endPosition: end.position,
        startNumber: baseOffset,
        endNumber: Math.min(endOffset, end.offset),
      };
      const walk = new WindowWalk(lease.file, this.#segment, range, endOffset);
      let damages = await walk.run({ isBorder: position === border });
      if (damages === null) {
        // No batch begins here; one begins there.
        range.position = border;
        damages = (await walk.run({ isBorder: true })) ?? [];
      }
      const { endPosition } = range;
      // A walk to the segment's end comes by what is known.
      const fresh = damages.filter(
        (one) =>
          !this.#damages.some((known) => known.position === one.position),
      );
      this.#note({ position: range.position, endPosition }, fresh);
      for (const damage of fresh) {
        const sizeBytes = damage.endPosition - damage.position;
        const { detail } = damage;
        found({ path: log.path, position: damage.position, sizeBytes, detail });
      }
    } finally {
      lease.release();
    }
  }

  /** Where a batch begins: a window behind, or where a stretch begins that was checked; all before is below the offset. */
  async #windowEnd(position: number): Promise<IndexedPosition> {
    const { log, offsetIndex } = this.#segment;
    const wanted = position + WINDOW_SIZE_BYTES;
    const next = await offsetIndex.nextBehind(wanted - 1);
    const checked = this.#intervals.find((one) => one.position > position);
    const end = Math.min(checked?.position ?? Infinity, log.openedSizeBytes);
    return next !== null && next.position < end
      ? next
      : { position: end, offset: Infinity };
  }

  /** The nearest place up to the position where a batch is known to begin. */
  #borderBefore(position: number): number {
    const before = this.#intervals.findLast(
      (one) => one.endPosition <= position,
    );
    return before?.endPosition ?? 0;
  }

  #note(added: Interval, damages: readonly Damage[]): void {
    let { position, endPosition } = added;
    const apart: Interval[] = [];
    for (const one of this.#intervals) {
      if (one.endPosition < position || one.position > endPosition) {
        apart.push(one);
        continue;
      }
      position = Math.min(position, one.position);
      endPosition = Math.max(endPosition, one.endPosition);
    }
    apart.push({ position, endPosition });
    this.#intervals = apart.sort((a, b) => a.position - b.position);
    this.#damages.push(...damages);
    this.#damages.sort((a, b) => a.position - b.position);
  }
}

const everything: CheckedStretch = { endPosition: Infinity, damage: null };

type MutableRange = { -readonly [Key in keyof FrameRange]: FrameRange[Key] };

/** One walk over a window; the range is the caller's, and grows where it ends inside a batch. */
class WindowWalk {
  readonly #file: DiskFile;
  readonly #segment: CheckedSegment;
  readonly #range: MutableRange;
  readonly #endOffset: number;

  constructor(
    file: DiskFile,
    segment: CheckedSegment,
    range: MutableRange,
    endOffset: number,
  ) {
    this.#file = file;
    this.#segment = segment;
    this.#range = range;
    this.#endOffset = endOffset;
  }

  /** What is damaged; null where no batch begins at the range's start, and none has to. */
  async run(start: {
    readonly isBorder: boolean;
  }): Promise<readonly Damage[] | null> {
    const { position } = this.#range;
    const { openedSizeBytes } = this.#segment.log;
    const damages: Damage[] = [];
    let bad = await this.#firstBad(position);
    while (bad !== null) {
      if (bad.position === position && !start.isBorder) return null;
      if (this.#range.endPosition < openedSizeBytes) {
        // The index may be what is wrong: once more, to the segment's end.
        this.#range.endPosition = openedSizeBytes;
        this.#range.endNumber = this.#endOffset;
        bad = await this.#firstBad(position);
        continue;
      }
      const next = await this.#behind(bad);
      const { endPosition } = next;
      damages.push({ position: bad.position, endPosition, detail: bad.detail });
      bad = next.bad;
    }
    return damages;
  }

  /** Where batches go on, and what is bad behind that. */
  async #behind(damage: BadFrame): Promise<{
    readonly endPosition: number;
    readonly bad: BadFrame | null;
  }> {
    const { endPosition } = damage;
    if (endPosition !== null) {
      const bad = await this.#firstBad(endPosition);
      // Where the length is wrong, no batch begins at its end.
      if (bad === null || bad.position !== endPosition) {
        return { endPosition, bad };
      }
    }
    const next = await this.#segment.offsetIndex.nextBehind(damage.position);
    const windowEnd = this.#range.endPosition;
    const position = Math.min(next?.position ?? windowEnd, windowEnd);
    return { endPosition: position, bad: await this.#firstBad(position) };
  }

  #firstBad(position: number): Promise<BadFrame | null> {
    return this.#file.checkFrames(batchFrames, { ...this.#range, position });
  }
}
