/**
 * The offsets that a data directory keeps of each of its partitions, in three
 * files. None of them is needed: one that cannot be read promises nothing.
 */
import type { Disk } from "../platform/disk.ts";
import type { FilePlace } from "./checkpoint.ts";
import {
  CLEANER_OFFSET_FILE,
  LOG_START_OFFSET_FILE,
  RECOVERY_POINT_FILE,
} from "./layout.ts";
import type { TopicPartition } from "./layout.ts";
import { OffsetCheckpoint, readOffsetCheckpoint } from "./offset-checkpoint.ts";
import { StorageError } from "./storage-error.ts";

export class OffsetCheckpoints {
  /** Where logs begin. */
  readonly starts: OffsetCheckpoint;
  /** Below them everything is on the disk. */
  readonly recoveryPoints: OffsetCheckpoint;
  /** Up to them logs are compacted. */
  readonly cleaned: OffsetCheckpoint;

  constructor(
    starts: OffsetCheckpoint,
    recoveryPoints: OffsetCheckpoint,
    cleaned: OffsetCheckpoint,
  ) {
    this.starts = starts;
    this.recoveryPoints = recoveryPoints;
    this.cleaned = cleaned;
  }

  /** The partition is gone. `save` is due before there may be another of its name. */
  forget(at: TopicPartition): void {
    for (const offsets of this.#all()) offsets.forget(at);
  }

  /** Makes durable what has changed. Rejects with a `DiskError`. */
  async save(): Promise<void> {
    for (const offsets of this.#all()) await offsets.save();
  }

  #all(): readonly OffsetCheckpoint[] {
    return [this.starts, this.recoveryPoints, this.cleaned];
  }
}

/** Of the partitions with these directory names, as others are gone. Throws `DiskError`. */
export async function readOffsetCheckpoints(
  disk: Disk,
  directory: string,
  names: ReadonlySet<string>,
  onDamage: (fault: StorageError) => void = () => {},
): Promise<OffsetCheckpoints> {
  const read = async (
    name: string,
    damaged: (fault: StorageError) => void = () => {},
  ): Promise<OffsetCheckpoint> => {
    const offsets = await readOrForget(disk, { directory, name }, damaged);
    offsets.keepOnly(names);
    return offsets;
  };
  return new OffsetCheckpoints(
    // Without it a log begins with its first segment: as in Kafka, what was
    // deleted of that shows again, and no partition is held up by it.
    await read(LOG_START_OFFSET_FILE, onDamage),
    // Without it everything is scanned, and nobody need know.
    await read(RECOVERY_POINT_FILE),
    await read(CLEANER_OFFSET_FILE),
  );
}

async function readOrForget(
  disk: Disk,
  place: FilePlace,
  damaged: (fault: StorageError) => void,
): Promise<OffsetCheckpoint> {
  try {
    return await readOffsetCheckpoint(disk, place);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    damaged(error);
    return new OffsetCheckpoint(disk, place, []);
  }
}
