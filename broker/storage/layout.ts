/**
 * Names of files and directories. DO NOT CHANGE: on disk, and Kafka's own.
 *
 *   <data directory>/
 *     .lock                        held while a broker has the directory open
 *     meta.properties              whose data this is
 *     millrace.properties          version of what Kafka's formats do not cover
 *     millrace.boot                in which run of the system it was written
 *     .kafka_cleanshutdown         there only between a clean stop and the next opening
 *     log-start-offset-checkpoint  first offsets of partitions whose records were deleted
 *     recovery-point-offset-checkpoint   below these offsets everything is on the disk
 *     cleaner-offset-checkpoint    up to where compacted partitions were compacted
 *     orders-3/                    topic "orders", partition 3
 *       partition.metadata
 *       leader-epoch-checkpoint
 *       00000000000000120000.log          records from offset 120,000 on
 *       00000000000000120000.index        and the companions of that segment
 *       00000000000000120000.timeindex
 *       00000000000000120000.txnindex
 *       00000000000000120000.snapshot     producers as they were *before* that segment
 *       00000000000000000000.log.cleaned  what compaction is writing; see `segment-swap.ts`
 *     orders-4.6ed2f1a09c314ff8b1c1d4b8f2b0a5d7-delete/   being removed
 */

/** Every kind of file that belongs to one segment. Deleting, verifying and copying go by this table. */
export const segmentSuffixes = {
  log: ".log",
  offsetIndex: ".index",
  timeIndex: ".timeindex",
  transactionIndex: ".txnindex",
  producerSnapshot: ".snapshot",
} as const;

export type SegmentFileKind = keyof typeof segmentSuffixes;

export const LEADER_EPOCH_FILE = "leader-epoch-checkpoint";
export const PARTITION_METADATA_FILE = "partition.metadata";

export const LOCK_FILE = ".lock";
export const META_PROPERTIES_FILE = "meta.properties";
export const FORMAT_FILE = "millrace.properties";
export const CLEAN_SHUTDOWN_FILE = ".kafka_cleanshutdown";
export const LOG_START_OFFSET_FILE = "log-start-offset-checkpoint";
export const RECOVERY_POINT_FILE = "recovery-point-offset-checkpoint";
export const BOOT_FILE = "millrace.boot";
export const CLEANER_OFFSET_FILE = "cleaner-offset-checkpoint";

/** Ends a file that a crash left half written; removed by whoever finds it. */
export const TEMPORARY_SUFFIX = ".tmp";

/**
 * Behind the names of a compacted segment's files: `cleaned` while it is being
 * written, `swap` from when it is whole until it has taken the place of the
 * segments that it was made of, which are then `deleted`. Kafka's own.
 */
export const CLEANED_SUFFIX = ".cleaned";
export const SWAP_SUFFIX = ".swap";
export const DELETED_FILE_SUFFIX = ".deleted";

const DELETED_SUFFIX = "-delete";
const OFFSET_DIGITS = 20;

export function joinPath(directory: string, name: string): string {
  return `${directory}/${name}`;
}

/** The directories above a path, the nearest first. */
export function ancestorsOf(path: string): readonly string[] {
  const ancestors: string[] = [];
  const isAbsolute = path.startsWith("/");
  const names = path.split("/").filter((name) => name !== "");
  while (names.pop() !== undefined) {
    const above = (isAbsolute ? "/" : "") + names.join("/");
    ancestors.push(above === "" ? "." : above);
  }
  return ancestors;
}

export function segmentFileName(
  baseOffset: number,
  kind: SegmentFileKind,
): string {
  return offsetName(baseOffset) + segmentSuffixes[kind];
}

function offsetName(baseOffset: number): string {
  return String(baseOffset).padStart(OFFSET_DIGITS, "0");
}

export interface SegmentFileName {
  readonly baseOffset: number;
  readonly kind: SegmentFileKind;
}

/** What a file of a partition's directory is, or null if it is no segment's. */
export function parseSegmentFileName(name: string): SegmentFileName | null {
  const digits = name.slice(0, OFFSET_DIGITS);
  if (!/^\d{20}$/.test(digits)) return null;
  const suffix = name.slice(OFFSET_DIGITS);
  const baseOffset = Number(digits);
  if (!Number.isSafeInteger(baseOffset)) return null;
  for (const kind of segmentFileKinds) {
    if (segmentSuffixes[kind] === suffix) return { baseOffset, kind };
  }
  return null;
}

export const segmentFileKinds = Object.keys(
  segmentSuffixes,
) as readonly SegmentFileKind[];

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export function partitionDirectoryName(at: TopicPartition): string {
  return `${at.topic}-${at.partition}`;
}

/** A name that no topic can have taken: topics end in their partition's number. */
export function deletedDirectoryName(
  at: TopicPartition,
  uniqueId: string,
): string {
  // Kafka shortens the topic's name so that the whole fits a file name.
  const tail = `-${at.partition}.${uniqueId}${DELETED_SUFFIX}`;
  return at.topic.slice(0, 255 - tail.length) + tail;
}

/** Whether the directory is one that `deletedDirectoryName` named. */
export function isDeletedDirectoryName(name: string): boolean {
  return /^.+-\d+\.[0-9a-zA-Z]{32}-delete$/.test(name);
}

/** The partition that a directory holds, or null if its name is no partition's. */
export function parsePartitionDirectoryName(
  name: string,
): TopicPartition | null {
  const match = /^([a-zA-Z0-9._-]+)-(0|[1-9]\d{0,9})$/.exec(name);
  const topic = match?.[1];
  const partition = Number(match?.[2]);
  if (topic === undefined || partition > 0x7fffffff) return null;
  return { topic, partition };
}
