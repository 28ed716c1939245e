/**
 * Which topic a partition's directory belongs to.
 *
 *   partition.metadata := "version: 0\ntopic_id: " topicId     // 22 characters, base64url
 *
 * DO NOT CHANGE: on disk, Kafka's own format. A topic that is deleted and
 * created again has another id, so files left of the old one are not taken for
 * the new one's. Written without a sync; the catalog knows the ids too.
 */
import { readSmallFile, replaceRebuildableFile } from "./checkpoint.ts";
import { PARTITION_METADATA_FILE, joinPath } from "./layout.ts";
import type { Disk } from "../platform/disk.ts";

export async function writePartitionMetadata(
  disk: Disk,
  directory: string,
  topicId: string,
): Promise<void> {
  await replaceRebuildableFile(
    disk,
    { directory, name: PARTITION_METADATA_FILE },
    formatPartitionMetadata(topicId),
  );
}

export function formatPartitionMetadata(topicId: string): Uint8Array {
  return new TextEncoder().encode(`version: 0\ntopic_id: ${topicId}`);
}

/** The topic's id, or null where the file is missing or says nothing. */
export async function readPartitionMetadata(
  disk: Disk,
  directory: string,
): Promise<string | null> {
  const path = joinPath(directory, PARTITION_METADATA_FILE);
  const bytes = await readSmallFile(disk, path);
  if (bytes === null) return null;
  const text = new TextDecoder().decode(bytes);
  return /^topic_id: ([A-Za-z0-9_-]{22})\s*$/m.exec(text)?.[1] ?? null;
}
