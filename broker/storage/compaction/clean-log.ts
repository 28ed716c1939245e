/**
 * One pass of compaction over one log:
 *
 * 1. The newest offset of each key is taken from the part that was not
 *    compacted yet, as far as the key map has room.
 * 2. Every segment from the log's start to there is written anew, without the
 *    records that something newer replaces; neighbours become one where they
 *    fit. Each group takes its place before the next one begins, so a crash
 *    leaves it as it was, or done.
 *
 * What cannot be read stays as it is: a batch that inflates to more than is
 * allowed, a codec that is not there, records that are nonsense. Nothing in it
 * is taken for newer than anything, and tombstones behind it stay.
 */
import { assert } from "../../lib/assert.ts";
import type { SipHash } from "../../lib/siphash.ts";
import type { Segment } from "../segment.ts";
import type { RetentionContext } from "./batch-retention.ts";
import { buildKeyMap } from "./build-key-map.ts";
import { cleanGroup } from "./clean-group.ts";
import type { Progress } from "./clean-group.ts";
import { createCleanedSegment } from "./cleaned-segment.ts";
import type { CleanedSegment } from "./cleaned-segment.ts";
import { CleanedTransactions } from "./cleaned-transactions.ts";
import { KeyMap } from "./key-map.ts";
import type { Pass } from "./pass.ts";
import { groupSegments } from "./segment-groups.ts";

export interface CleanOptions {
  readonly hash: SipHash;
  /** For the key map; Kafka's `log.cleaner.dedupe.buffer.size`. */
  readonly keyMapSizeBytesMax: number;
  /** Puts what was cleaned in the place of these; false where they are gone meanwhile. */
  readonly replace: (
    old: readonly Segment[],
    cleaned: CleanedSegment,
  ) => Promise<boolean>;
}

export interface CleanResult extends Readonly<Progress> {
  /** Everything below is compacted now. */
  readonly endOffset: number;
  readonly keyCount: number;
}

/** Null: the segments went away meanwhile. Throws `DiskError`, `StorageError`, `CompactionStopped`. */
export async function cleanLog(
  pass: Pass,
  options: CleanOptions,
): Promise<CleanResult | null> {
  const map = new KeyMap(
    options.hash,
    {
      sizeBytesMax: options.keyMapSizeBytesMax,
      recordCountMax: pass.endOffset - pass.firstDirtyOffset,
    },
    pass.firstDirtyOffset,
  );
  await buildKeyMap(map, pass);
  const retention: RetentionContext = {
    map,
    producers: pass.producers,
    transactions: new CleanedTransactions(),
    nowMs: pass.nowMs,
    deleteRetentionMs: pass.config.deleteRetentionMs,
    endOffset: pass.endOffset,
  };
  const progress: Progress = {
    readSizeBytes: 0,
    writtenSizeBytes: 0,
    unreadable: null,
  };
  for (const group of groupsOf(pass, map.endOffset)) {
    const target = await createTarget(group, pass);
    try {
      await cleanGroup(group, target, pass, retention, progress);
      await target.finish();
    } catch (error) {
      await target.discard();
      throw error;
    }
    if (!(await options.replace(group, target))) return null;
  }
  return { ...progress, endOffset: map.endOffset, keyCount: map.keyCount };
}

/** The segments that the key map reaches into. */
function groupsOf(
  { segments, config, endOffset }: Pass,
  mapEndOffset: number,
): readonly (readonly Segment[])[] {
  const reached = segments.filter(
    ({ baseOffset }) => baseOffset < mapEndOffset,
  );
  const facts = reached.map((segment) => ({
    segment,
    baseOffset: segment.baseOffset,
    sizeBytes: segment.sizeBytes,
    offsetEntryCount: segment.offsetIndex.entries.entryCount,
    timeEntryCount: segment.timeIndex.entries.entryCount,
  }));
  // Behind the last one that is reached begins the next, or the end.
  const next = segments[reached.length]?.baseOffset ?? endOffset;
  const groups = groupSegments(facts, { ...config, endOffset: next });
  return groups.map((group) => group.map(({ segment }) => segment));
}

function createTarget(
  group: readonly Segment[],
  { context, config, pace }: Pass,
): Promise<CleanedSegment> {
  const [first] = group;
  assert(first !== undefined, "a group has a segment");
  const { indexIntervalSizeBytes } = config;
  return createCleanedSegment(first, {
    context,
    indexIntervalSizeBytes,
    pace,
  });
}
