/** Whose a data directory is: read from it, or given to a new one. */
import { DiskError } from "../platform/disk.ts";
import type { Disk } from "../platform/disk.ts";
import type { Random } from "../platform/random.ts";
import { readSmallFile, replaceFile } from "./checkpoint.ts";
import {
  FORMAT_FILE,
  META_PROPERTIES_FILE,
  ancestorsOf,
  joinPath,
} from "./layout.ts";
import {
  checkFormatProperties,
  formatFormatProperties,
  formatMetaProperties,
  parseMetaProperties,
} from "./meta-properties.ts";
import type { MetaProperties } from "./meta-properties.ts";

/**
 * Reads who the directory is, or makes it somebody: both files of a new one at
 * once, as each is a sync. Throws `format-too-new`, `corrupt-file`, `DiskError`.
 */
export async function identifyDirectory(
  disk: Disk,
  directory: string,
  random: Random,
  forNew: { readonly clusterId: string | null; readonly nodeId: number },
): Promise<MetaProperties> {
  const formatPath = joinPath(directory, FORMAT_FILE);
  const metaPath = joinPath(directory, META_PROPERTIES_FILE);
  const formatBytes = await readSmallFile(disk, formatPath);
  if (formatBytes !== null) checkFormatProperties(formatBytes, formatPath);
  const metaBytes = await readSmallFile(disk, metaPath);
  const meta =
    metaBytes !== null
      ? parseMetaProperties(metaBytes, metaPath, newId(random))
      : {
          clusterId: forNew.clusterId ?? newId(random),
          nodeId: forNew.nodeId,
          directoryId: newId(random),
        };
  // Whatever was made of the path to it must last as long as what is in it.
  if (metaBytes === null) await syncAncestors(disk, directory);
  const create = async (name: string, content: Uint8Array) =>
    replaceFile(disk, { directory, name }, content);
  const results = await Promise.allSettled([
    formatBytes ?? create(FORMAT_FILE, formatFormatProperties()),
    metaBytes ?? create(META_PROPERTIES_FILE, formatMetaProperties(meta)),
  ]);
  for (const result of results) {
    if (result.status === "rejected") throw result.reason;
  }
  return meta;
}

/** Not made by us: what may not be opened, or is not there by this name. */
const othersCodes: ReadonlySet<string> = new Set(["EACCES", "EPERM", "ENOENT"]);

async function syncAncestors(disk: Disk, directory: string): Promise<void> {
  for (const ancestor of ancestorsOf(directory)) {
    try {
      await disk.syncDirectory(ancestor);
    } catch (error) {
      const isOthers =
        error instanceof DiskError && othersCodes.has(error.code);
      if (!isOthers) throw error;
    }
  }
}

/** Kafka's form of a UUID: 22 characters. It takes none that begins with a dash. */
function newId(random: Random): string {
  const id = Buffer.from(random.bytes(16)).toString("base64url");
  return id.startsWith("-") ? newId(random) : id;
}
