/**
 * Before a log loses a batch: what lies in its sealed segments is synced, and
 * the recovery checkpoint says so.
 *
 * Behind the checkpoint, an opening after a reboot takes a segment that ends
 * before the next one begins for one whose tail was lost, and gives up all that
 * lies behind it. The gap that a repair leaves looks the same; below the
 * checkpoint it is a gap and nothing else. Killed in between, a repair leaves
 * damage below the checkpoint, which no opening cuts off.
 */
import { readOffsetCheckpoint } from "../storage/offset-checkpoint.ts";
import {
  joinPath,
  parsePartitionDirectoryName,
  RECOVERY_POINT_FILE,
  segmentFileName,
} from "../storage/layout.ts";
import { listPartition } from "./partition-listing.ts";
import type { RepairTools } from "./repair-partition.ts";

const syncedKinds = ["log", "offsetIndex", "timeIndex"] as const;

/** Up to the partition's newest segment, which every opening looks through. */
export async function raiseRecoveryPoint(
  { disk, directory, side }: RepairTools,
  name: string,
): Promise<void> {
  const at = parsePartitionDirectoryName(name);
  const path = joinPath(directory, name);
  const { segments } = listPartition(await disk.list(path));
  const newest = segments.at(-1);
  if (at === null || newest === undefined) return;
  const place = { directory, name: RECOVERY_POINT_FILE };
  const checkpoint = await readOffsetCheckpoint(disk, place);
  if ((checkpoint.get(at) ?? 0) >= newest.baseOffset) return;
  for (const { baseOffset, kinds } of segments) {
    if (baseOffset === newest.baseOffset) continue;
    for (const kind of syncedKinds) {
      if (!kinds.has(kind)) continue;
      const file = joinPath(path, segmentFileName(baseOffset, kind));
      const opened = await disk.open(file, "append");
      try {
        await opened.sync();
      } finally {
        await opened.close();
      }
    }
  }
  await side.keepCopy(RECOVERY_POINT_FILE);
  await checkpoint.set(at, newest.baseOffset);
}
