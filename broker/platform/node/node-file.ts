/**
 * An open file, through a descriptor.
 *
 * Writes name their position and loop on the returned count: on a full disk
 * the system writes what still fits and reports no error until the next call.
 * `sizeBytes` moves with every count that came back, so that after a failure
 * it says how much is really there.
 *
 * A descriptor must not be closed while a thread reads from it: its number may
 * belong to another file by then. So `close` waits for what is under way.
 */
import * as fs from "node:fs";
import type {
  BadFrame,
  FrameFormat,
  FrameRange,
} from "../../lib/checked-frames.ts";
import type { DiskFile, MappedWindow } from "../disk.ts";
import { DiskError } from "../disk.ts";
import { diskErrorOf } from "./disk-error.ts";
import type { FrameChecker } from "./frame-checker.ts";
import type { WindowCache } from "./mmap/window-cache.ts";
import type { Slots } from "./slots.ts";

/** What all files of a disk share. */
export interface FileContext {
  readonly windows: WindowCache;
  readonly syncs: Slots;
  readonly readAheads: Slots;
  readonly frames: FrameChecker;
}

export interface OpenedFile {
  readonly fd: number;
  readonly path: string;
  readonly sizeBytes: number;
  readonly canGrow: boolean;
  /** Whether this process's user owns the file: the kernel tells others nothing of its pages. */
  readonly isOwn: boolean;
}

const READ_AHEAD_SIZE_BYTES = 256 * 1024;
const STREAM_CHUNK_SIZE_BYTES = 64 * 1024;
/** `writev` takes no more parts than this at once (IOV_MAX, the same on Linux and macOS). */
const WRITE_PART_COUNT_MAX = 1024;

/**
 * A read stream that is destroyed closes its descriptor, whatever `autoClose`
 * says, and one that is broken off is destroyed. The descriptor is the file's.
 */
const leavesOpen = {
  open: fs.open,
  read: fs.read,
  close: (_fd: number, done: (error: null) => void) => done(null),
};

export class NodeFile implements DiskFile {
  readonly #context: FileContext;
  readonly #opened: OpenedFile;
  #sizeBytes: number;
  #pendingCount = 0;
  #isWriting = false;
  #isClosed = false;
  #idle: (() => void) | null = null;

  constructor(context: FileContext, opened: OpenedFile) {
    this.#context = context;
    this.#opened = opened;
    this.#sizeBytes = opened.sizeBytes;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  read(target: Uint8Array, position: number): Promise<number> {
    return this.#use("cannot read", () => this.#readFully(target, position));
  }

  map(position: number, sizeBytes: number): MappedWindow | null {
    if (this.#isClosed) throw this.#misuse("used after close");
    return this.#context.windows.open(this, this.#opened, {
      position,
      sizeBytes,
      fileSizeBytes: this.#sizeBytes,
    });
  }

  async warm(position: number, sizeBytes: number): Promise<boolean> {
    if (position + sizeBytes > this.#sizeBytes) return false;
    if (this.#isKnownWarm(position, sizeBytes)) return true;
    return this.#use("cannot read ahead", () =>
      this.#readAhead(position, sizeBytes),
    );
  }

  checkFrames(
    format: FrameFormat,
    range: FrameRange,
  ): Promise<BadFrame | null> {
    const file = {
      fd: this.#opened.fd,
      read: (target: Uint8Array, position: number) =>
        this.#readFully(target, position),
    };
    return this.#use("cannot check", () =>
      this.#context.frames.check(file, format, range),
    );
  }

  async *stream(
    position: number,
    sizeBytes: number,
  ): AsyncIterable<Uint8Array> {
    if (sizeBytes === 0) return;
    this.#begin();
    const source = fs.createReadStream("", {
      fd: this.#opened.fd,
      fs: leavesOpen,
      start: position,
      end: position + sizeBytes - 1,
      autoClose: false,
      highWaterMark: STREAM_CHUNK_SIZE_BYTES,
    });
    try {
      yield* source;
    } catch (error) {
      throw diskErrorOf(error, this.#opened.path, "cannot read");
    } finally {
      // Whoever breaks off leaves a read under way, which needs the descriptor.
      if (!source.closed) {
        await new Promise<void>((resolve) => {
          source.once("close", () => resolve());
          source.destroy();
        });
      }
      this.#finish();
    }
  }

  append(parts: readonly Uint8Array[]): Promise<void> {
    return this.#write("cannot append", async () => {
      let left = withoutEmpty(parts);
      while (left.length > 0) {
        left = this.#advance(left, await this.#writeOnce(atOnce(left)));
      }
    });
  }

  appendSync(parts: readonly Uint8Array[]): void {
    this.#assertWritable();
    try {
      let left = withoutEmpty(parts);
      while (left.length > 0) {
        const { fd } = this.#opened;
        const count = fs.writevSync(fd, atOnce(left), this.#sizeBytes);
        left = this.#advance(left, count);
      }
    } catch (error) {
      throw diskErrorOf(error, this.#opened.path, "cannot append");
    }
  }

  async truncate(sizeBytes: number): Promise<void> {
    if (sizeBytes >= this.#sizeBytes) return;
    // Before anything is cut, so that no new window reaches beyond.
    if (!this.#context.windows.cut(this, sizeBytes)) {
      throw this.#misuse("cut below the end of a window that is in use");
    }
    await this.#write("cannot truncate", async () => {
      await settled((done) => fs.ftruncate(this.#opened.fd, sizeBytes, done));
      this.#sizeBytes = sizeBytes;
    });
  }

  sync(): Promise<void> {
    return this.#use("cannot sync", () =>
      this.#context.syncs.run(() =>
        settled((done) => fs.fdatasync(this.#opened.fd, done)),
      ),
    );
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#context.windows.forget(this);
    if (this.#pendingCount > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    try {
      await settled((done) => fs.close(this.#opened.fd, done));
    } catch (error) {
      throw diskErrorOf(error, this.#opened.path, "cannot close");
    }
  }

  /**
   * What the kernel says of its pages, which costs a microsecond and no thread.
   * Two of its answers are not to be believed: of a file that is not our own it
   * says that every page is there, and of pages that a cut file has lost it may
   * say so too (a large folio is not always split). Hence the look at the size.
   */
  #isKnownWarm(position: number, sizeBytes: number): boolean {
    if (this.#isClosed || !this.#opened.isOwn) return false;
    if (!this.#context.windows.isResident(this, position, sizeBytes)) {
      return false;
    }
    const { size } = fs.fstatSync(this.#opened.fd);
    return position + sizeBytes <= size;
  }

  /** A short read is no failure: the system may stop early, only 0 is the end. */
  async #readFully(target: Uint8Array, position: number): Promise<number> {
    let done = 0;
    while (done < target.length) {
      const count = await this.#readOnce(
        target.subarray(done),
        position + done,
      );
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  #readOnce(target: Uint8Array, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.read(
        this.#opened.fd,
        target,
        0,
        target.length,
        position,
        (error, count) => (error === null ? resolve(count) : reject(error)),
      );
    });
  }

  #writeOnce(parts: readonly Uint8Array[]): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.writev(this.#opened.fd, parts, this.#sizeBytes, (error, count) =>
        error === null ? resolve(count) : reject(error),
      );
    });
  }

  async #readAhead(position: number, sizeBytes: number): Promise<boolean> {
    const scratch = new Uint8Array(Math.min(sizeBytes, READ_AHEAD_SIZE_BYTES));
    let done = 0;
    while (done < sizeBytes) {
      const target = scratch.subarray(0, sizeBytes - done);
      const from = position + done;
      // A slot for each piece: a long range must not keep short ones waiting.
      const count = await this.#context.readAheads.run(() =>
        this.#readFully(target, from),
      );
      if (count < target.length) return false;
      done += count;
    }
    return true;
  }

  /** Takes what was written off the parts' front, and notes it. */
  #advance(parts: Uint8Array[], count: number): Uint8Array[] {
    // Never seen, and an endless loop if it ever were.
    if (count === 0) throw new Error("the system wrote nothing");
    this.#sizeBytes += count;
    let left = count;
    let index = 0;
    for (const part of parts) {
      if (left < part.length) {
        const rest = parts.slice(index);
        rest[0] = part.subarray(left);
        return rest;
      }
      left -= part.length;
      index += 1;
    }
    return [];
  }

  async #write(detail: string, action: () => Promise<void>): Promise<void> {
    this.#assertWritable();
    this.#isWriting = true;
    try {
      await this.#use(detail, action);
    } finally {
      this.#isWriting = false;
    }
  }

  async #use<Result>(
    detail: string,
    action: () => Promise<Result>,
  ): Promise<Result> {
    this.#begin();
    try {
      return await action();
    } catch (error) {
      throw diskErrorOf(error, this.#opened.path, detail);
    } finally {
      this.#finish();
    }
  }

  #begin(): void {
    if (this.#isClosed) throw this.#misuse("used after close");
    this.#pendingCount += 1;
  }

  #finish(): void {
    this.#pendingCount -= 1;
    if (this.#pendingCount === 0) this.#idle?.();
  }

  #assertWritable(): void {
    if (this.#isClosed) throw this.#misuse("used after close");
    if (!this.#opened.canGrow) throw this.#misuse("opened to be read");
    if (this.#isWriting) throw this.#misuse("changed while an append runs");
  }

  #misuse(detail: string): DiskError {
    return new DiskError("EBADF", this.#opened.path, detail);
  }
}

function withoutEmpty(parts: readonly Uint8Array[]): Uint8Array[] {
  return parts.filter((part) => part.length > 0);
}

function atOnce(parts: Uint8Array[]): Uint8Array[] {
  return parts.length <= WRITE_PART_COUNT_MAX
    ? parts
    : parts.slice(0, WRITE_PART_COUNT_MAX);
}

function settled(
  start: (done: (error: Error | null) => void) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error === null ? resolve() : reject(error)));
  });
}
