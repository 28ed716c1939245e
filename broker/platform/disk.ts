/**
 * The disk as the broker sees it: files that grow at their end, are read at
 * any position, and are durable only after a sync.
 *
 * Every failure is a `DiskError` that keeps the operating system's code, so
 * that a full disk (`ENOSPC`) and a broken one (`EIO`) can be told apart
 * without reading texts.
 */

import type {
  BadFrame,
  FrameFormat,
  FrameRange,
} from "../lib/checked-frames.ts";

export class DiskError extends Error {
  /** The system's name of the error: `ENOSPC`, `EIO`, `EMFILE`, `ENOENT`, ... */
  readonly code: string;
  readonly path: string;

  constructor(code: string, path: string, detail: string, cause?: unknown) {
    super(`${detail}: ${path} (${code})`, { cause });
    this.name = "DiskError";
    this.code = code;
    this.path = path;
  }
}

/** A read-only view of a part of a file, valid until `release`. */
export interface MappedWindow {
  readonly bytes: Uint8Array;
  /** Gives the window back. The bytes must not be touched afterwards. */
  release(): void;
}

export interface DiskFile {
  /** The size as this handle knows it: at open, plus what was appended, minus what was cut. */
  readonly sizeBytes: number;
  /** Reads at a position until `target` is full or the file ends; answers how many bytes were read. */
  read(target: Uint8Array, position: number): Promise<number>;
  /**
   * A window on exactly this range, which must already be written, or null
   * where it cannot be had: then `read` does the same work. A file opened to
   * grow is mapped only up to a step below its end; one opened with `read` up
   * to its end. So a sealed file is worth opening anew.
   *
   * The bytes may be handed to a connection as they are. JavaScript looks at
   * them only after `warm` has answered true for that range: a page that a
   * truncated file or a broken disk cannot give kills the process that touches
   * it.
   */
  map(position: number, sizeBytes: number): MappedWindow | null;
  /**
   * Gets the range into memory without stopping the event loop. True when all
   * of it could be read; false when the file turned out shorter. Throws the
   * `DiskError` of a range that cannot be read.
   */
  warm(position: number, sizeBytes: number): Promise<boolean>;
  /**
   * Walks over the frames of a written range, off the event loop where there is
   * a way, and answers the first that does not hold, or null. Throws the
   * `DiskError` of what cannot be read.
   */
  checkFrames(format: FrameFormat, range: FrameRange): Promise<BadFrame | null>;
  /** The range in chunks, as the platform's read stream gives them; fewer bytes when the file is shorter. */
  stream(position: number, sizeBytes: number): AsyncIterable<Uint8Array>;
  /**
   * Writes all parts at the end, in order; one append at a time. On failure
   * some of the bytes may be in the file: `sizeBytes` tells how many, and the
   * caller cuts them off.
   */
  append(parts: readonly Uint8Array[]): Promise<void>;
  /** The same before it returns: blocks the event loop for as long as the disk takes. */
  appendSync(parts: readonly Uint8Array[]): void;
  /**
   * Cuts the file. Refused while a window of this handle that ends beyond the
   * cut is not released; the caller sees to those of other handles.
   */
  truncate(sizeBytes: number): Promise<void>;
  /** Returns when everything appended before the call is durable. */
  sync(): Promise<void>;
  /** Waits for the reads under way. Windows stay valid until their own release. */
  close(): Promise<void>;
}

/** Keeps other processes out of a data directory until it is released. */
export interface DiskLock {
  release(): Promise<void>;
}

export type LockResult =
  | { readonly error: null; readonly lock: DiskLock }
  | { readonly error: "held"; readonly holderPid: number | null };

export interface DiskEntry {
  readonly name: string;
  readonly isDirectory: boolean;
}

export interface Disk {
  /**
   * `read`: the file must exist, cannot grow. `append`: created when missing.
   * `create`: created, or emptied when it exists.
   */
  open(path: string, mode: "read" | "append" | "create"): Promise<DiskFile>;
  list(directory: string): Promise<readonly DiskEntry[]>;
  /** The file's size, or null where there is no such file. */
  sizeOf(path: string): Promise<number | null>;
  /** Creates the directory and its parents, mode 0700; harmless where it exists. */
  createDirectory(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file; harmless where there is none. */
  remove(path: string): Promise<void>;
  /** Removes a directory and all in it; harmless where there is none. */
  removeDirectory(path: string): Promise<void>;
  /** Until then creations, renames and removals in it may be undone by a power cut. */
  syncDirectory(directory: string): Promise<void>;
  /**
   * The system's present run, or null where that cannot be known. What was
   * written in the same run can be read back, synced or not: only a power cut
   * or a crash of the system loses the page cache.
   */
  bootId(): Promise<string | null>;
  /** Takes the exclusive lock that lies in the file at `path`, or says who has it. */
  lock(path: string): Promise<LockResult>;
}
