/**
 * Takes the newest offset of each key from the part of a log that was not
 * compacted yet, until the key map is full.
 *
 * The records of an aborted transaction replace nothing, nor do those of a
 * batch that cannot be read to its end.
 */
import { isControl } from "../../record/batch.ts";
import { RecordError } from "../../record/record-error.ts";
import { CleanedTransactions } from "./cleaned-transactions.ts";
import type { KeyMap } from "./key-map.ts";
import type { Pass } from "./pass.ts";
import { RECORDS_PER_LOOK, readRecords } from "./read-records.ts";
import { BatchWalk } from "./walk-batches.ts";
import type { WalkedBatch } from "./walk-batches.ts";

/** Throws `DiskError`, `StorageError`, `CompactionStopped`. */
export async function buildKeyMap(map: KeyMap, pass: Pass): Promise<void> {
  const { segments, firstDirtyOffset, endOffset, pace } = pass;
  const transactions = new CleanedTransactions();
  const walk = new BatchWalk(pace);
  for (const [index, segment] of segments.entries()) {
    const segmentEnd = segments[index + 1]?.baseOffset ?? endOffset;
    if (segmentEnd <= firstDirtyOffset) continue;
    const { position } = await segment.offsetIndex.lookup(firstDirtyOffset);
    for await (const batch of walk.over(segment.log, position)) {
      if (batch.lastOffset < firstDirtyOffset) continue;
      const { bytes, at } = batch;
      if (isControl(bytes, at)) continue;
      if (transactions.needsAborted(bytes, at)) {
        transactions.learn(await pass.aborted());
      }
      if (!transactions.seeData(bytes, at)) {
        if (!(await putRecords(map, batch, pass))) return;
      }
      map.advanceTo(batch.lastOffset + 1);
    }
    // Compaction may have taken the segment's last offsets.
    map.advanceTo(segmentEnd);
  }
}

/** False: the map is full. */
async function putRecords(
  map: KeyMap,
  batch: WalkedBatch,
  pass: Pass,
): Promise<boolean> {
  const { inflatedSizeBytesMax, pace, firstDirtyOffset } = pass;
  const keys: { readonly key: Uint8Array; readonly offset: number }[] = [];
  const read = await readRecords(
    batch,
    inflatedSizeBytesMax,
    pace,
    ({ key, offset }) => {
      if (key !== null && offset >= firstDirtyOffset)
        keys.push({ key, offset });
    },
  );
  if (read instanceof RecordError) return true;
  for (const [index, { key, offset }] of keys.entries()) {
    if (!map.put(key, offset)) return false;
    if (index % RECORDS_PER_LOOK === 0 && pace.isDue) await pace.pause();
  }
  return true;
}
