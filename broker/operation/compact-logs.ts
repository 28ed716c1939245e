/**
 * Compaction as a job of the maintenance loop: the logs of topics whose
 * `cleanup.policy` has `compact`, each as soon as a pass is worth while, and
 * pass after pass where the key map has not room for all keys at once.
 *
 * A machine whose history is such a log is asked for a snapshot first. Its
 * snapshots stand for the log before them, also for tombstones that compaction
 * takes away later:
 *
 *   snapshot says A=1, tombstone of A, compaction removes it, kill
 *   -> loading the snapshot and the log behind it would bring A back
 */
import { SipHash, SIPHASH_KEY_SIZE } from "../lib/siphash.ts";
import type { Logger, Settings } from "../options.ts";
import type { Random } from "../platform/random.ts";
import type { CleanResult } from "../storage/compaction/clean-log.ts";
import type { DataDirectory } from "../storage/data-directory.ts";
import type { PartitionLog } from "../storage/partition-log.ts";
import { StorageError } from "../storage/storage-error.ts";
import type { LogJob, MaintainedLog } from "./maintain-logs.ts";

export interface CompactionParts {
  readonly directory: DataDirectory;
  readonly logger: Logger;
  readonly random: Random;
  readonly settings: Settings;
  /** False: the machine of this log could not write a snapshot, so the log is to be left alone. */
  readonly saveSnapshot: (topic: string, partition: number) => Promise<boolean>;
}

export function createCompaction(parts: CompactionParts): LogJob {
  const { directory, settings, saveSnapshot } = parts;
  const hash = new SipHash(parts.random.bytes(SIPHASH_KEY_SIZE));
  const told = new Told(parts.logger);

  /** Whether there may be more to do. */
  async function runPass(at: MaintainedLog): Promise<boolean> {
    const { topic, partition, log, stopped } = at;
    const place = { topic: topic.name, partition };
    const cleanable = await log.compaction.survey(
      directory.cleanedOffset(place),
    );
    if (stopped.aborted || !cleanable.isDue) return false;
    if (!(await saveSnapshot(topic.name, partition))) return false;
    const result = await log.compaction.run(cleanable, {
      hash,
      keyMapSizeBytesMax: settings.compactionKeyMapSizeBytesMax,
      inflatedSizeBytesMax: settings.compactionInflatedSizeBytesMax,
      sizeBytesPerSecondMax: settings.compactionSizeBytesPerSecondMax,
      isWanted: () => !stopped.aborted,
    });
    if (result === null) return false;
    await directory.setCleanedOffset(place, result.endOffset);
    told.result(at, result);
    return true;
  }

  return {
    name: "compaction",
    concerns: (topic) => topic.config.cleanupPolicy.compact,
    async run(at) {
      try {
        while (await runPass(at));
        told.success(at.log);
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
        // Its topic was deleted under the job's hands.
        if (error.code !== "log-closed") told.failure(at, error);
      }
    },
  };
}

/** Says of each log what there is to say, and the same thing once. */
class Told {
  readonly #logger: Logger;
  readonly #failures = new WeakMap<PartitionLog, string>();
  readonly #unreadable = new WeakMap<PartitionLog, string>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  result({ topic, partition, log }: MaintainedLog, result: CleanResult): void {
    const at = { topic: topic.name, partition };
    const { readSizeBytes, writtenSizeBytes, keyCount, endOffset } = result;
    this.#logger.info(
      at,
      `compacted up to offset ${endOffset}: ${readSizeBytes} bytes became ${writtenSizeBytes}, with ${keyCount} keys in the part that was new`,
    );
    if (result.unreadable === null) return;
    const { detail, ...where } = result.unreadable;
    const text = `a batch that compaction cannot read stays as it is, and tombstones behind it stay: ${detail}`;
    if (this.#unreadable.get(log) === text) return;
    this.#unreadable.set(log, text);
    this.#logger.warn({ ...at, ...where }, text);
  }

  success(log: PartitionLog): void {
    this.#failures.delete(log);
  }

  failure(at: MaintainedLog, error: StorageError): void {
    const { topic, partition, log } = at;
    if (this.#failures.get(log) === error.message) return;
    this.#failures.set(log, error.message);
    const consequence =
      log.compaction.damage === null
        ? "it is tried again"
        : "the log is not compacted until it is repaired";
    this.#logger.error(
      { topic: topic.name, partition, code: error.code },
      `compaction failed, ${consequence}: ${error.message}`,
    );
  }
}
