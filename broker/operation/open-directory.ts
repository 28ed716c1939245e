/**
 * Opens the data directory as the broker's settings say, and gives its faults
 * the names that an embedder can catch.
 */
import { BrokerError } from "../errors.ts";
import type { Logger, Settings } from "../options.ts";
import type { Clock } from "../platform/clock.ts";
import { type Disk, DiskError } from "../platform/disk.ts";
import type { Random } from "../platform/random.ts";
import {
  type DataDirectory,
  openDataDirectory,
} from "../storage/data-directory.ts";
import type { TopicPartition } from "../storage/layout.ts";
import { StorageError } from "../storage/storage-error.ts";

export interface OpenDirectoryParts {
  readonly platform: {
    readonly disk: Disk;
    readonly clock: Clock;
    readonly random: Random;
  };
  readonly settings: Settings;
  readonly directoryPath: string;
  readonly clusterId: string | null;
  readonly logger: Logger;
  /** A partition's log has failed; called once for each fault. */
  readonly failed: (at: TopicPartition, fault: StorageError) => void;
}

/** Throws `BrokerError`. */
export async function openDirectory(
  parts: OpenDirectoryParts,
): Promise<DataDirectory> {
  const { settings, platform, directoryPath, clusterId } = parts;
  try {
    return await openDataDirectory(directoryPath, platform, {
      clusterId,
      nodeId: settings.nodeId,
      openFilesMax: settings.openFilesMax,
      visibility: settings.visibility,
      onDamage: ({ path, detail }) =>
        parts.logger.warn(
          { path },
          `${detail}; partitions begin with their first segment`,
        ),
      onFault: parts.failed,
      onDamagedBatch: (
        { topic, partition },
        { path, position, sizeBytes, detail },
      ) =>
        parts.logger.error(
          { topic, partition, path, position, sizeBytes },
          `damaged on the disk, and not served: ${sizeBytes} bytes at ${path}:${position} (${detail})`,
        ),
    });
  } catch (error) {
    throw brokerErrorOf(error);
  }
}

/** A fault of the directory or the catalog in an embedder's words; anything else as it is. */
export function brokerErrorOf(error: unknown): unknown {
  if (!(error instanceof StorageError)) return error;
  if (error.code === "directory-locked") {
    return new BrokerError(
      "directory-in-use",
      `${error.path}: ${error.detail}`,
      error,
    );
  }
  const code =
    error.code === "format-too-new"
      ? "directory-too-new"
      : "directory-unusable";
  // What the system would not do says more than the code we gave it.
  const { cause } = error;
  const message = cause instanceof DiskError ? cause.message : error.message;
  return new BrokerError(code, message, error);
}
