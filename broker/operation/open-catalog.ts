/**
 * Opens the catalog's log and loads the catalog from it. Unlike a coordinator's,
 * its load is waited for: nothing else can be answered without it.
 */
import { Catalog } from "../catalog/catalog.ts";
import { CATALOG_TOPIC, CATALOG_TOPIC_ID } from "../catalog/topic-name.ts";
import { BrokerError } from "../errors.ts";
import type {
  MachineOptions,
  MachineState,
} from "../machine/machine-runtime.ts";
import { createSnapshotFiles } from "../machine/snapshot-file.ts";
import type { Settings } from "../options.ts";
import type { Clock } from "../platform/clock.ts";
import type { Disk } from "../platform/disk.ts";
import type { Random } from "../platform/random.ts";
import type { DataDirectory } from "../storage/data-directory.ts";
import { createMachineLog } from "./machine-log-of.ts";
import { joinPath, partitionDirectoryName } from "../storage/layout.ts";
import { defaultLogConfig } from "../storage/log-config.ts";

/** One decision is one batch, and a request may create many partitions. */
const CATALOG_BATCH_SIZE_BYTES_MAX = 64 * 1024 * 1024;

const at = { topic: CATALOG_TOPIC, partition: 0, topicId: CATALOG_TOPIC_ID };
const config = {
  ...defaultLogConfig,
  maxMessageSizeBytes: CATALOG_BATCH_SIZE_BYTES_MAX,
};

/** Throws `StorageError`, or `BrokerError` where the log cannot be read as a catalog. */
export async function openCatalog(
  directory: DataDirectory,
  platform: {
    readonly disk: Disk;
    readonly clock: Clock;
    readonly random: Random;
  },
  settings: Settings,
  options: MachineOptions,
): Promise<Catalog> {
  const { log } = await directory.openLog(at, config);
  const snapshots = createSnapshotFiles(
    platform.disk,
    joinPath(directory.path, partitionDirectoryName(at)),
  );
  const { clock, random } = platform;
  const catalog = new Catalog(
    { clock, random, log: createMachineLog(directory, at, log), snapshots },
    settings,
    options,
  );
  await catalog.start();
  const { state } = catalog;
  if (state.phase === "ready") return catalog;
  // It would try again for ever.
  await catalog.close();
  throw new BrokerError(
    "directory-unusable",
    `the catalog in ${directory.path} cannot be read: ${detailOf(state)}`,
  );
}

/** After a fault of its disk. Throws `StorageError`. */
export async function reopenCatalogLog(
  directory: DataDirectory,
): Promise<void> {
  await directory.reopenLog(at, config);
}

function detailOf(state: MachineState): string {
  return "detail" in state ? state.detail : state.phase;
}
