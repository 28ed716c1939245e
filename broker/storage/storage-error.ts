/**
 * Faults of the disk or of what lies on it. Answers to clients are values; this
 * is what an operator has to act on.
 */
import { DiskError } from "../platform/disk.ts";

export type StorageErrorCode =
  /** No room, or no descriptors: this write was refused, later ones may succeed. */
  | "storage-full"
  /** A read, write or sync failed for good: the log takes nothing until it is reopened. */
  | "storage-offline"
  /** A file does not hold what it should. */
  | "corrupt-file"
  /** Another process has the data directory. */
  | "directory-locked"
  /** The data directory was written by a newer Millrace. */
  | "format-too-new"
  /** The log was closed while the call was under way. */
  | "log-closed";

export class StorageError extends Error {
  readonly code: StorageErrorCode;
  readonly path: string;
  readonly detail: string;

  constructor(
    code: StorageErrorCode,
    path: string,
    detail: string,
    options?: { readonly cause?: unknown },
  ) {
    super(`${code} at ${path}: ${detail}`, options);
    this.name = "StorageError";
    this.code = code;
    this.path = path;
    this.detail = detail;
  }
}

/**
 * Errors after which the same write may succeed later: the disk is full, a
 * quota is reached, or descriptors ran out. Anything else leaves the file in a
 * state that only reopening can tell.
 */
const passingCodes: ReadonlySet<string> = new Set([
  "ENOSPC",
  "EDQUOT",
  "EMFILE",
  "ENFILE",
]);

/** Whether the same call may succeed later without anything being mended. */
export function isPassing(error: unknown): boolean {
  return error instanceof DiskError && passingCodes.has(error.code);
}

/*
 * What becomes of an error that is no disk's, and so a bug.
 *
 * It takes its own log offline, as a fault would, and says in its text that it
 * is one. It is not let through to stop the broker: what makes code below here
 * fail is mostly what lies in one partition's files, and that would then keep
 * every other partition from being served, at each start anew. And the groups
 * whose write it was are refused with it in the same turn, so nobody waits for
 * an answer that never comes, and nothing that was acknowledged is taken back.
 */

/** What a failed write means for the log. */
export function writeFault(path: string, error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  return new StorageError(
    isPassing(error) ? "storage-full" : "storage-offline",
    path,
    failureOf("write", error),
    { cause: error },
  );
}

/** A failed sync is final: the system may have dropped the pages it could not write. */
export function syncFault(path: string, error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  return new StorageError("storage-offline", path, failureOf("sync", error), {
    cause: error,
  });
}

/** A read that failed: this answer is lost; running out of descriptors passes. */
export function readFault(path: string, error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  return new StorageError(
    isPassing(error) ? "storage-full" : "storage-offline",
    path,
    failureOf("read", error),
    { cause: error },
  );
}

function failureOf(call: "write" | "sync" | "read", error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return error instanceof DiskError
    ? `${call} failed: ${message}`
    : `${call} failed by a bug: ${message}`;
}
