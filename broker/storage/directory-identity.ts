/** Whose a data directory is: read from it, or given to a new one. */
import type { Disk } from "../platform/disk.ts";
import type { Random } from "../platform/random.ts";
import { readSmallFile, replaceFile } from "./checkpoint.ts";
import { FORMAT_FILE, META_PROPERTIES_FILE, joinPath } from "./layout.ts";
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

/** Kafka's form of a UUID: 22 characters. It takes none that begins with a dash. */
function newId(random: Random): string {
  const id = Buffer.from(random.bytes(16)).toString("base64url");
  return id.startsWith("-") ? newId(random) : id;
}
