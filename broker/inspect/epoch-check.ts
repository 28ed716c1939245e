/** Holds `leader-epoch-checkpoint` against the epochs that stand in the batches. */
import { NO_LEADER_EPOCH } from "../record/batch-format.ts";
import type { LeaderEpochs } from "../storage/leader-epochs.ts";
import { type JudgedBatch, lastOffsetOf } from "./batch-order.ts";

/** Batches of one epoch, one behind the other. */
interface EpochRun {
  readonly epoch: number;
  readonly firstOffset: number;
  lastOffset: number;
}

export class EpochCheck {
  readonly #runs: EpochRun[] = [];

  add(batch: JudgedBatch): void {
    const epoch = batch.mend?.leaderEpoch ?? batch.leaderEpoch;
    if (epoch === NO_LEADER_EPOCH) return;
    const lastOffset = lastOffsetOf(batch);
    const last = this.#runs.at(-1);
    if (last?.epoch === epoch) {
      last.lastOffset = lastOffset;
      return;
    }
    const firstOffset = batch.mend?.baseOffset ?? batch.baseOffset;
    this.#runs.push({ epoch, firstOffset, lastOffset });
  }

  get hasEpochs(): boolean {
    return this.#runs.length > 0;
  }

  /** What the checkpoint says wrongly, or null. `startOffset`: of the log; nothing below it is known. */
  wrong(
    epochs: LeaderEpochs,
    log: { readonly startOffset: number; readonly endOffset: number },
  ): string | null {
    let before = { epoch: -1, startOffset: -1 };
    for (const start of epochs.starts()) {
      const isSorted =
        start.epoch > before.epoch && start.startOffset > before.startOffset;
      if (!isSorted) {
        return `epoch ${start.epoch} at ${start.startOffset} behind epoch ${before.epoch} at ${before.startOffset}`;
      }
      before = start;
    }
    if (before.startOffset > log.endOffset) {
      return `epoch ${before.epoch} begins at ${before.startOffset}, the log ends at ${log.endOffset}`;
    }
    for (const { epoch, firstOffset, lastOffset } of this.#runs) {
      if (lastOffset < log.startOffset) continue;
      for (const offset of [
        Math.max(firstOffset, log.startOffset),
        lastOffset,
      ]) {
        const said = epochs.epochOf(offset);
        if (said === epoch) continue;
        return `offset ${offset} has epoch ${epoch}, the file says ${said ?? "none"}`;
      }
    }
    return null;
  }
}
