/**
 * A file in memory: a list of chunks that never move.
 *
 * Bytes are copied in once and stay where they are, so a window is a view and
 * stays good while the file grows. Each chunk is as large as everything before
 * it, between 4 KB and 16 MB: an almost empty file costs little, and few ranges
 * of a large one cross a border (those cannot be mapped and are read instead).
 */
import { walkFrames } from "../../lib/checked-frames.ts";
import type {
  BadFrame,
  FrameFormat,
  FrameRange,
} from "../../lib/checked-frames.ts";
import { DiskError } from "../disk.ts";
import type { DiskFile, MappedWindow } from "../disk.ts";

const CHUNK_SIZE_BYTES_MIN = 4 * 1024;
const CHUNK_SIZE_BYTES_MAX = 16 * 1024 * 1024;
const STREAM_CHUNK_SIZE_BYTES = 64 * 1024;

/** What is left of the disk's capacity, shared by its files. */
export interface Space {
  freeSizeBytes: number;
}

interface Chunk {
  readonly position: number;
  readonly bytes: Uint8Array;
}

/** The bytes, whatever the name and however many handles; lives as an inode does. */
export class MemoryFile {
  readonly #space: Space;
  readonly #chunks: Chunk[] = [];
  #sizeBytes = 0;
  #handleCount = 0;
  #isUnlinked = false;

  constructor(space: Space) {
    this.#space = space;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Copies as much of the part to the end as the disk has room for; answers how much. */
  append(part: Uint8Array): number {
    const sizeBytes = Math.min(part.length, this.#space.freeSizeBytes);
    this.#space.freeSizeBytes -= sizeBytes;
    let done = 0;
    while (done < sizeBytes) {
      const chunk = this.#chunkAtEnd();
      const start = this.#sizeBytes - chunk.position;
      const count = Math.min(chunk.bytes.length - start, sizeBytes - done);
      chunk.bytes.set(part.subarray(done, done + count), start);
      this.#sizeBytes += count;
      done += count;
    }
    return sizeBytes;
  }

  read(target: Uint8Array, position: number): number {
    const sizeBytes = Math.min(target.length, this.#sizeBytes - position);
    let done = 0;
    while (done < sizeBytes) {
      const chunk = this.#chunkAt(position + done);
      const start = position + done - chunk.position;
      const count = Math.min(chunk.bytes.length - start, sizeBytes - done);
      target.set(chunk.bytes.subarray(start, start + count), done);
      done += count;
    }
    return done;
  }

  /** The range where it lies, or null when it lies in two chunks. */
  view(position: number, sizeBytes: number): Uint8Array | null {
    if (position + sizeBytes > this.#sizeBytes) return null;
    if (sizeBytes === 0) return new Uint8Array(0);
    const chunk = this.#chunkAt(position);
    const start = position - chunk.position;
    if (start + sizeBytes > chunk.bytes.length) return null;
    return chunk.bytes.subarray(start, start + sizeBytes);
  }

  truncate(sizeBytes: number): void {
    if (sizeBytes >= this.#sizeBytes) return;
    this.#space.freeSizeBytes += this.#sizeBytes - sizeBytes;
    this.#sizeBytes = sizeBytes;
    while ((this.#chunks.at(-1)?.position ?? -1) >= sizeBytes) {
      this.#chunks.pop();
    }
  }

  /** The name is gone; the bytes go with the last handle. */
  unlink(): void {
    this.#isUnlinked = true;
    this.#maybeFree();
  }

  hold(): void {
    this.#handleCount += 1;
  }

  drop(): void {
    this.#handleCount -= 1;
    this.#maybeFree();
  }

  #maybeFree(): void {
    if (this.#isUnlinked && this.#handleCount === 0) this.truncate(0);
  }

  #chunkAtEnd(): Chunk {
    const last = this.#chunks.at(-1);
    if (last !== undefined) {
      const end = last.position + last.bytes.length;
      if (end > this.#sizeBytes) return last;
    }
    const sizeBytes = Math.min(
      Math.max(this.#sizeBytes, CHUNK_SIZE_BYTES_MIN),
      CHUNK_SIZE_BYTES_MAX,
    );
    const chunk = {
      position: this.#sizeBytes,
      bytes: new Uint8Array(sizeBytes),
    };
    this.#chunks.push(chunk);
    return chunk;
  }

  #chunkAt(position: number): Chunk {
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      const chunk = this.#chunks[middle];
      if (chunk !== undefined && chunk.position <= position) low = middle;
      else high = middle - 1;
    }
    const chunk = this.#chunks[low];
    if (chunk === undefined) throw new RangeError(`no chunk at ${position}`);
    return chunk;
  }
}

/** One opening of a memory file. */
export class MemoryFileHandle implements DiskFile {
  readonly #file: MemoryFile;
  readonly #path: string;
  readonly #canGrow: boolean;
  #isClosed = false;

  constructor(file: MemoryFile, path: string, canGrow: boolean) {
    this.#file = file;
    this.#path = path;
    this.#canGrow = canGrow;
    file.hold();
  }

  get sizeBytes(): number {
    return this.#file.sizeBytes;
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    this.#assertOpen();
    return this.#file.read(target, position);
  }

  map(position: number, sizeBytes: number): MappedWindow | null {
    this.#assertOpen();
    const bytes = this.#file.view(position, sizeBytes);
    return bytes === null ? null : { bytes, release: () => {} };
  }

  async warm(position: number, sizeBytes: number): Promise<boolean> {
    this.#assertOpen();
    return position + sizeBytes <= this.#file.sizeBytes;
  }

  checkFrames(
    format: FrameFormat,
    range: FrameRange,
  ): Promise<BadFrame | null> {
    return walkFrames((bytes, at) => this.read(bytes, at), format, range);
  }

  async *stream(
    position: number,
    sizeBytes: number,
  ): AsyncIterable<Uint8Array> {
    let done = 0;
    while (done < sizeBytes) {
      const chunk = new Uint8Array(
        Math.min(STREAM_CHUNK_SIZE_BYTES, sizeBytes - done),
      );
      const count = await this.read(chunk, position + done);
      if (count === 0) return;
      yield chunk.subarray(0, count);
      done += count;
    }
  }

  async append(parts: readonly Uint8Array[]): Promise<void> {
    this.appendSync(parts);
  }

  appendSync(parts: readonly Uint8Array[]): void {
    this.#assertWritable();
    for (const part of parts) {
      if (this.#file.append(part) < part.length) {
        throw new DiskError("ENOSPC", this.#path, "the memory disk is full");
      }
    }
  }

  async truncate(sizeBytes: number): Promise<void> {
    this.#assertWritable();
    this.#file.truncate(sizeBytes);
  }

  async sync(): Promise<void> {
    this.#assertOpen();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#file.drop();
  }

  #assertOpen(): void {
    if (this.#isClosed) {
      throw new DiskError("EBADF", this.#path, "used after close");
    }
  }

  #assertWritable(): void {
    this.#assertOpen();
    if (!this.#canGrow) {
      throw new DiskError("EBADF", this.#path, "opened to be read");
    }
  }
}
