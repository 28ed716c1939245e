/**
 * Small files that are replaced as a whole, so that a crash leaves either the
 * old or the new one: write to a new name, sync, rename, sync the directory.
 *
 * Kafka's text checkpoints share one shape:
 *
 *   checkpoint := version "\n" count "\n" { line "\n" }
 *
 * where a line is `topic partition offset` (per data directory) or
 * `epoch startOffset` (per partition). The version is 0.
 */
import { EMPTY_BYTES } from "../lib/bytes.ts";
import { DiskError } from "../platform/disk.ts";
import type { Disk } from "../platform/disk.ts";
import { TEMPORARY_SUFFIX, joinPath } from "./layout.ts";
import type { TopicPartition } from "./layout.ts";
import { StorageError } from "./storage-error.ts";

const VERSION = 0;

export interface FilePlace {
  readonly directory: string;
  readonly name: string;
}

/** Replaces the file atomically; durable when the promise resolves. Throws `DiskError`. */
export async function replaceFile(
  disk: Disk,
  at: FilePlace,
  content: Uint8Array,
): Promise<void> {
  await exchangeFile(disk, at, { content, isSynced: true });
  await disk.syncDirectory(at.directory);
}

/**
 * The same without waiting for the disk: for what can be rebuilt from the log.
 * A power cut may leave the old file, the new one, or any part of that.
 */
export async function replaceRebuildableFile(
  disk: Disk,
  at: FilePlace,
  content: Uint8Array,
): Promise<void> {
  await exchangeFile(disk, at, { content, isSynced: false });
}

async function exchangeFile(
  disk: Disk,
  at: FilePlace,
  options: { readonly content: Uint8Array; readonly isSynced: boolean },
): Promise<void> {
  const path = joinPath(at.directory, at.name);
  const temporaryPath = path + TEMPORARY_SUFFIX;
  try {
    const file = await disk.open(temporaryPath, "create");
    try {
      await file.append([options.content]);
      if (options.isSynced) await file.sync();
    } finally {
      await file.close();
    }
    await disk.rename(temporaryPath, path);
  } catch (error) {
    // On a full disk it would lie there, and take room, until the next opening.
    await disk.remove(temporaryPath).catch(() => {});
    throw error;
  }
}

/** The whole file, or null where there is none. For small files only. */
export async function readSmallFile(
  disk: Disk,
  path: string,
): Promise<Uint8Array | null> {
  let file;
  try {
    file = await disk.open(path, "read");
  } catch (error) {
    if (error instanceof DiskError && error.code === "ENOENT") return null;
    throw error;
  }
  try {
    if (file.sizeBytes === 0) return EMPTY_BYTES;
    const bytes = new Uint8Array(file.sizeBytes);
    return bytes.subarray(0, await file.read(bytes, 0));
  } finally {
    await file.close();
  }
}

/** `columns` of every line, in Kafka's text form. */
export function formatCheckpoint(
  lines: readonly (readonly (string | number)[])[],
): Uint8Array {
  const text = [VERSION, lines.length, ...lines.map((line) => line.join(" "))];
  return new TextEncoder().encode(text.join("\n") + "\n");
}

/** The lines' columns. Throws `corrupt-file` where the text is not a checkpoint. */
export function parseCheckpoint(
  bytes: Uint8Array,
  path: string,
): readonly (readonly string[])[] {
  const lines = new TextDecoder().decode(bytes).split("\n");
  // Without it the last number may have lost digits, where no sync came before.
  if (lines.at(-1) !== "") {
    throw new StorageError("corrupt-file", path, "does not end its last line");
  }
  const version = lines[0];
  if (version !== String(VERSION)) {
    throw new StorageError("corrupt-file", path, `version ${version ?? ""}`);
  }
  // An empty text would be the number 0.
  const count = parseWholeNumber(lines[1], path);
  const entries = lines.slice(2).filter((line) => line !== "");
  if (count !== entries.length) {
    throw new StorageError(
      "corrupt-file",
      path,
      `${entries.length} entries, expected ${lines[1] ?? ""}`,
    );
  }
  return entries.map((line) => line.split(/\s+/));
}

export interface PartitionOffset extends TopicPartition {
  readonly offset: number;
}

export function formatPartitionOffsets(
  entries: readonly PartitionOffset[],
): Uint8Array {
  return formatCheckpoint(
    entries.map((entry) => [entry.topic, entry.partition, entry.offset]),
  );
}

export function parsePartitionOffsets(
  bytes: Uint8Array,
  path: string,
): readonly PartitionOffset[] {
  // Kafka creates these files before it has anything to say.
  if (bytes.length === 0) return [];
  return parseCheckpoint(bytes, path).map((columns) => ({
    topic: columns[0] ?? "",
    partition: parseWholeNumber(columns[1], path),
    offset: parseWholeNumber(columns[2], path),
  }));
}

/** Throws `corrupt-file` for anything but a number from 0 to 2^53 - 1. */
export function parseWholeNumber(
  text: string | undefined,
  path: string,
): number {
  const value = Number(text);
  if (!/^\d+$/.test(text ?? "") || !Number.isSafeInteger(value)) {
    throw new StorageError("corrupt-file", path, `not a number: ${text ?? ""}`);
  }
  return value;
}
