/**
 * Judges what the CRC does not cover: a batch's base offset and leader epoch,
 * which the broker sets when it appends. Offsets rise from batch to batch and
 * stay within the segment; epochs never go back.
 *
 * Of two batches that contradict each other the one *behind* tells which is
 * wrong, so a batch waits for its successor:
 *
 *   offsets 0-4, 900-904, 10-14    the second: 10 follows the first, 900 leaves a gap
 *   offsets 0-4, 5-9, 2-6          the third: 5 follows the first without a gap
 *   damage, 0-4, 15-19             the second, where no log has gaps: damage ends at 15
 *
 * Gaps by themselves are as they should be: compaction leaves them, and so does
 * a repair. Where a displaced batch fits exactly between its neighbours and one
 * flipped bit explains its offset, that is known, and so is an epoch by those
 * around it; `mend` says so. An offset that is another batch's is not mended:
 * it may be that batch, written to the wrong place.
 */
import { setBaseOffset } from "../record/batch.ts";
import { BATCH_LENGTH_AT, NO_LEADER_EPOCH } from "../record/batch-format.ts";
import type { LeaderEpochs } from "../storage/leader-epochs.ts";
import { RELATIVE_OFFSET_MAX } from "../storage/offset-index.ts";
import type { OffsetBounds } from "../storage/batch-search.ts";
import type { Hole, SoundBatch } from "./sound-batches.ts";

/** What belongs in the header instead. */
export interface Mend {
  readonly baseOffset: number;
  readonly leaderEpoch: number;
  readonly detail: string;
}

/** A batch with its header as it should be. */
export interface JudgedBatch extends SoundBatch {
  /** Null where the header is right as it lies there. */
  readonly mend: Mend | null;
}

export type JudgedPiece = JudgedBatch | Hole;

export class BatchOrder {
  readonly #bounds: OffsetBounds;
  readonly #epochs: LeaderEpochs | null;
  readonly #isDense: boolean;

  #nextOffset: number;
  #leaderEpoch: number;
  /** Waits for its successor; with the holes that lie behind it. */
  #waiting: SoundBatch | null = null;
  #holesBehind: Hole[] = [];
  /** What lies before the waiting batch is not known. */
  #isBehindHole = false;

  /**
   * `leaderEpoch`: of the segment before, -1 for none. `epochs`: what the
   * partition's checkpoint says, as a witness; null where it cannot be read.
   * `isDense`: the log was never compacted, so that offsets have no gaps but
   * those that a repair left.
   */
  constructor(
    bounds: OffsetBounds,
    leaderEpoch: number,
    epochs: LeaderEpochs | null,
    isDense: boolean,
  ) {
    this.#bounds = bounds;
    this.#isDense = isDense;
    this.#nextOffset = bounds.baseOffset;
    this.#leaderEpoch = leaderEpoch;
    this.#epochs = epochs;
  }

  /** Behind the last batch that was judged. */
  get nextOffset(): number {
    return this.#nextOffset;
  }

  get leaderEpoch(): number {
    return this.#leaderEpoch;
  }

  /** What is judged now; the last batch given waits for the next call. */
  judge(pieces: readonly (SoundBatch | Hole)[]): readonly JudgedPiece[] {
    const judged: JudgedPiece[] = [];
    for (const piece of pieces) {
      if (piece.kind === "hole") {
        if (this.#waiting === null) {
          judged.push(piece);
          this.#isBehindHole = true;
        } else this.#holesBehind.push(piece);
        continue;
      }
      this.#settle(judged, piece);
      this.#waiting = piece;
    }
    return judged;
  }

  /** The end of the file: the last batch is judged too. */
  end(): readonly JudgedPiece[] {
    const judged: JudgedPiece[] = [];
    this.#settle(judged, null);
    return judged;
  }

  #settle(judged: JudgedPiece[], next: SoundBatch | null): void {
    const batch = this.#waiting;
    if (batch === null) return;
    // With a hole behind it, what follows does not say where it ended.
    const isLast = next === null && this.#holesBehind.length === 0;
    const result = this.#judgeOffset(batch, next, isLast);
    judged.push(result, ...this.#holesBehind);
    this.#isBehindHole = result.kind === "hole" || this.#holesBehind.length > 0;
    this.#waiting = null;
    this.#holesBehind = [];
    if (result.kind === "hole") return;
    this.#nextOffset = lastOffsetOf(result) + 1;
    const epoch = result.mend?.leaderEpoch ?? result.leaderEpoch;
    if (epoch !== NO_LEADER_EPOCH) this.#leaderEpoch = epoch;
  }

  #judgeOffset(
    batch: SoundBatch,
    next: SoundBatch | null,
    isLast: boolean,
  ): JudgedPiece {
    const wrongOffset = this.#wrongOffset(batch, next);
    const wrongEpoch = this.#wrongEpoch(batch, next);
    if (wrongOffset === null && wrongEpoch === null) {
      return { ...batch, mend: null };
    }
    const baseOffset =
      wrongOffset === null
        ? batch.baseOffset
        : this.#fittingOffset(batch, next, isLast);
    const leaderEpoch =
      wrongEpoch === null ? batch.leaderEpoch : this.#fittingEpoch(batch, next);
    const detail = wrongOffset ?? wrongEpoch ?? "";
    if (baseOffset === null) {
      const { position, sizeBytes } = batch;
      return { kind: "hole", position, sizeBytes, detail };
    }
    return { ...batch, mend: { baseOffset, leaderEpoch, detail } };
  }

  #wrongOffset(batch: SoundBatch, next: SoundBatch | null): string | null {
    const { baseOffset, lastOffset } = batch;
    const what = `offsets ${baseOffset} to ${lastOffset}`;
    if (baseOffset < this.#nextOffset) {
      return `${what}, expected ${this.#nextOffset} or more`;
    }
    const { endOffset } = this.#bounds;
    if (endOffset !== null && lastOffset >= endOffset) {
      return `${what}, but the next segment begins at ${endOffset}`;
    }
    if (lastOffset - this.#bounds.baseOffset > RELATIVE_OFFSET_MAX) {
      return `${what}, too far from the segment's first`;
    }
    const isGap = baseOffset > this.#nextOffset;
    if (isGap && next !== null && next.baseOffset <= lastOffset) {
      const followsBefore = next.baseOffset >= this.#nextOffset;
      if (followsBefore) return `${what}, but ${next.baseOffset} follows`;
    }
    const behind = this.#offsetBehind(next, next === null);
    if (this.#isDense && this.#isBehindHole && behind !== null) {
      if (behind !== lastOffset + 1) {
        return `${what} behind damage, but ${behind} follows`;
      }
    }
    return null;
  }

  /** What follows the waiting batch without a hole; null where that is not known. */
  #offsetBehind(next: SoundBatch | null, isLast: boolean): number | null {
    if (this.#holesBehind.length > 0) return null;
    if (next !== null) return next.baseOffset;
    return isLast ? this.#bounds.endOffset : null;
  }

  /** Null where it is not beyond doubt. */
  #fittingOffset(
    batch: SoundBatch,
    next: SoundBatch | null,
    isLast: boolean,
  ): number | null {
    const { baseOffset: firstOffset, endOffset } = this.#bounds;
    const behind = this.#offsetBehind(next, isLast);
    const count = batch.lastOffset - batch.baseOffset + 1;
    if (behind === null) return null;
    const right = behind - count;
    const isExact = this.#isDense && this.#isBehindHole;
    if (right < this.#nextOffset) return null;
    if (right > this.#nextOffset && !isExact) return null;
    const isAnothers =
      batch.baseOffset >= firstOffset &&
      batch.baseOffset <= Math.max(endOffset ?? 0, next?.lastOffset ?? 0);
    return isAnothers || !differsByOneBit(batch, right) ? null : right;
  }

  #wrongEpoch(batch: SoundBatch, next: SoundBatch | null): string | null {
    const { leaderEpoch } = batch;
    if (leaderEpoch === NO_LEADER_EPOCH) return null;
    if (leaderEpoch < this.#leaderEpoch) {
      return `leader epoch ${leaderEpoch} behind ${this.#leaderEpoch}`;
    }
    if (next === null || next.leaderEpoch === NO_LEADER_EPOCH) return null;
    if (
      next.leaderEpoch < leaderEpoch &&
      next.leaderEpoch >= this.#leaderEpoch &&
      this.#epochs?.epochOf(batch.baseOffset) !== leaderEpoch
    ) {
      return `leader epoch ${leaderEpoch} before ${next.leaderEpoch}`;
    }
    return null;
  }

  /** As the checkpoint says, if that can be; else the epoch that went before. */
  #fittingEpoch(batch: SoundBatch, next: SoundBatch | null): number {
    const known = this.#epochs?.epochOf(batch.baseOffset) ?? null;
    const most = next === null ? Number.MAX_SAFE_INTEGER : next.leaderEpoch;
    const canBe = known !== null && known >= this.#leaderEpoch && known <= most;
    if (canBe) return known;
    // The first batch has none before it: the next one's then.
    if (this.#leaderEpoch === NO_LEADER_EPOCH && next !== null) {
      return next.leaderEpoch;
    }
    return this.#leaderEpoch;
  }
}

function differsByOneBit({ header }: SoundBatch, offset: number): boolean {
  const right = new Uint8Array(BATCH_LENGTH_AT);
  setBaseOffset(right, 0, offset);
  let bitCount = 0;
  for (const [at, byte] of right.entries()) {
    for (let bits = byte ^ (header[at] ?? 0); bits > 0; bits &= bits - 1) {
      bitCount += 1;
    }
  }
  return bitCount === 1;
}

/** As the header should have it. */
export function lastOffsetOf(batch: JudgedBatch): number {
  const moved = (batch.mend?.baseOffset ?? batch.baseOffset) - batch.baseOffset;
  return batch.lastOffset + moved;
}
