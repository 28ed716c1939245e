/** What all partition logs of one data directory share. */
import type { Clock } from "../platform/clock.ts";
import type { Disk } from "../platform/disk.ts";
import type { Random } from "../platform/random.ts";
import type { FileCache } from "./file-cache.ts";
import type { JobQueue } from "./job-queue.ts";
import type { IndexBlockCache } from "./sparse-index.ts";
import type { TailMemory } from "./tail-memory.ts";
import type { WriteWay } from "./write-way.ts";

export interface StorageContext {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly files: FileCache;
  readonly blocks: IndexBlockCache;
  readonly syncs: JobQueue;
  readonly writes: WriteWay;
  readonly tails: TailMemory;
}
