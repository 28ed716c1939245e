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

const indexKinds = ["offsetIndex", "timeIndex"] as const;

/**
 * Up to the partition's newest segment, which every opening looks through.
 * Answers the segments whose indexes are to be built anew: below the checkpoint
 * an opening takes an index as it is, and builds only one that is missing.
 */
export async function raiseRecoveryPoint(
  { disk, directory, side }: RepairTools,
  name: string,
): Promise<readonly number[]> {
  const at = parsePartitionDirectoryName(name);
  const path = joinPath(directory, name);
  const { segments } = listPartition(await disk.list(path));
  const newest = segments.at(-1);
  if (at === null || newest === undefined) return [];
  const place = { directory, name: RECOVERY_POINT_FILE };
  const checkpoint = await readOffsetCheckpoint(disk, place);
  const before = checkpoint.get(at) ?? 0;
  if (before >= newest.baseOffset) return [];
  const raised: number[] = [];
  for (const [slot, { baseOffset }] of segments.slice(0, -1).entries()) {
    const nextBase = segments[slot + 1]?.baseOffset ?? 0;
    if (nextBase <= before) continue;
    raised.push(baseOffset);
    const log = joinPath(path, segmentFileName(baseOffset, "log"));
    const opened = await disk.open(log, "append");
    try {
      await opened.sync();
    } finally {
      await opened.close();
    }
    for (const kind of indexKinds) {
      const index = joinPath(name, segmentFileName(baseOffset, kind));
      await side.keepCopy(index);
      await disk.remove(joinPath(directory, index));
    }
  }
  await disk.syncDirectory(path);
  await side.keepCopy(RECOVERY_POINT_FILE);
  await checkpoint.set(at, newest.baseOffset);
  return raised;
}
