/** What the parts of one pass over one log share. */
import type { LogConfig } from "../log-config.ts";
import type { ProducerState } from "../producer-state.ts";
import type { Segment } from "../segment.ts";
import type { StorageContext } from "../storage-context.ts";
import { AbortedTransactions } from "./cleaned-transactions.ts";
import type { AbortedTransaction } from "./cleaned-transactions.ts";
import type { Pace } from "./pace.ts";
import { BatchWalk } from "./walk-batches.ts";

export interface Pass {
  readonly context: StorageContext;
  readonly config: LogConfig;
  /** From the log's first on, all that lie below `endOffset`. */
  readonly segments: readonly Segment[];
  readonly producers: ProducerState;
  /** Up to here the log was compacted before; exclusive. */
  readonly firstDirtyOffset: number;
  /** Where a segment begins that may not be compacted; exclusive. */
  readonly endOffset: number;
  /** What the records of one batch may inflate to. */
  readonly inflatedSizeBytesMax: number;
  readonly pace: Pace;
  readonly nowMs: number;
  /** Looked for when the first data of a transaction is met: most logs have none. */
  readonly aborted: () => Promise<readonly AbortedTransaction[]>;
}

/**
 * The transactions with data below `endOffset` that were aborted, read at most
 * once. Their markers may lie behind it, in the active segment too: `segments`
 * are all that the log has.
 */
export function abortedIn(
  segments: readonly Segment[],
  endOffset: number,
  pace: Pace,
): Pass["aborted"] {
  let found: Promise<readonly AbortedTransaction[]> | null = null;
  const find = async (): Promise<readonly AbortedTransaction[]> => {
    const transactions = new AbortedTransactions();
    const walk = new BatchWalk(pace);
    for (const { log } of segments) {
      for await (const { bytes, at, baseOffset } of walk.over(log, 0)) {
        const isBehind = baseOffset >= endOffset;
        if (isBehind && !transactions.isOpenBelow(endOffset)) {
          return transactions.found;
        }
        transactions.add(bytes, at);
      }
    }
    return transactions.found;
  };
  return () => (found ??= find());
}
