/** A segment's .log from its first byte to its last: batches that hold, and holes. */
import type { LeaderEpochs } from "../storage/leader-epochs.ts";
import { BatchOrder, type JudgedPiece } from "./batch-order.ts";
import type { ReadableFile } from "../storage/file-window.ts";
import type { OffsetBounds } from "../storage/batch-search.ts";
import { findSoundBatches } from "./sound-batches.ts";

export interface WalkStart {
  readonly bounds: OffsetBounds;
  /** Of the segment before; -1 for none. */
  readonly leaderEpoch: number;
  /** The partition's checkpoint; null where it cannot be read. */
  readonly epochs: LeaderEpochs | null;
  /** The log was never compacted: its offsets have no gaps but a repair's. */
  readonly isDense: boolean;
}

/** Where a walk has come to. */
export interface WalkEnd {
  readonly nextOffset: number;
  readonly leaderEpoch: number;
}

export async function* walkSegment(
  file: ReadableFile,
  start: WalkStart,
): AsyncGenerator<readonly JudgedPiece[], WalkEnd> {
  const { bounds, leaderEpoch, epochs, isDense } = start;
  const order = new BatchOrder(bounds, leaderEpoch, epochs, isDense);
  for await (const pieces of findSoundBatches(file, start.bounds)) {
    const judged = order.judge(pieces);
    if (judged.length > 0) yield judged;
  }
  const last = order.end();
  if (last.length > 0) yield last;
  return { nextOffset: order.nextOffset, leaderEpoch: order.leaderEpoch };
}
