/**
 * One opening of a file on the simulated disk.
 *
 * A window is a copy that is spoilt when it is given back: whoever looks at it
 * later, or sends it later, sees nonsense, as he would crash on a real map.
 */
import { walkFrames } from "../../broker/lib/checked-frames.ts";
import type {
  BadFrame,
  FrameFormat,
  FrameRange,
} from "../../broker/lib/checked-frames.ts";
import type { DiskFile, MappedWindow } from "../../broker/platform/disk.ts";
import type { SeededRandom } from "../support/seeded-random.ts";
import { never } from "./sim-disk.ts";
import type { SimDisk } from "./sim-disk.ts";
import type { SimInode } from "./sim-inode.ts";
import { failure } from "./sim-storage.ts";

const STREAM_CHUNK_SIZE_BYTES = 1_500;
const SPOILT = 0xdd;

export class SimFile implements DiskFile {
  readonly #disk: SimDisk;
  readonly #inode: SimInode;
  readonly #path: string;
  readonly #canGrow: boolean;
  #isClosed = false;

  constructor(disk: SimDisk, inode: SimInode, path: string, canGrow: boolean) {
    this.#disk = disk;
    this.#inode = inode;
    this.#path = path;
    this.#canGrow = canGrow;
  }

  get sizeBytes(): number {
    return this.#inode.sizeBytes;
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    this.#mustBeOpen();
    return this.#disk.call({
      kind: "read",
      path: this.#path,
      detail: `${position}+${target.length}`,
      effect: () => this.#inode.read(target, position),
    });
  }

  map(position: number, sizeBytes: number): MappedWindow | null {
    this.#mustBeOpen();
    if (!this.#disk.faults.maps()) return null;
    if (position + sizeBytes > this.#inode.sizeBytes) return null;
    const bytes = new Uint8Array(sizeBytes);
    this.#inode.read(bytes, position);
    const { process } = this.#disk;
    const window = {
      end: position + sizeBytes,
      isHeld: () => process.isAlive,
    };
    this.#inode.windows.add(window);
    const release = (): void => {
      if (!this.#inode.windows.delete(window)) {
        process.simulator.fail(new Error(`${this.#path}: released twice`));
      }
      bytes.fill(SPOILT);
    };
    return { bytes, release };
  }

  async warm(position: number, sizeBytes: number): Promise<boolean> {
    this.#mustBeOpen();
    return this.#disk.call({
      kind: "read",
      path: this.#path,
      detail: `warm ${position}+${sizeBytes}`,
      effect: () => position + sizeBytes <= this.#inode.sizeBytes,
    });
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
      const left = sizeBytes - done;
      const chunk = new Uint8Array(Math.min(STREAM_CHUNK_SIZE_BYTES, left));
      const count = await this.read(chunk, position + done);
      if (count === 0) return;
      yield chunk.subarray(0, count);
      done += count;
    }
  }

  async append(parts: readonly Uint8Array[]): Promise<void> {
    this.#mustBeWritable();
    const bytes = Buffer.concat(parts);
    const { process } = this.#disk;
    return this.#disk.call({
      kind: "append",
      path: this.#path,
      detail: `${bytes.length}`,
      effect: () => this.#write(bytes),
      atFault: () => this.#writeSome(bytes, process.random),
      atDeath: (random) => this.#writeSome(bytes, random),
    });
  }

  appendSync(parts: readonly Uint8Array[]): void {
    this.#mustBeWritable();
    const { process, faults } = this.#disk;
    if (!process.isAlive) throw failure("EIO", this.#path, "a dead process");
    const bytes = Buffer.concat(parts);
    const what = `${process.name} ${this.#path} ${bytes.length}`;
    process.simulator.trace("disk write", what);
    if (faults.diesInWrite()) {
      this.#dieWriting(bytes);
      throw failure("EIO", this.#path, "the process died writing");
    }
    const code = faults.codeFor("append");
    if (code === null) {
      this.#write(bytes);
      return;
    }
    this.#writeSome(bytes, process.random);
    throw failure(code, this.#path, "injected into a write");
  }

  async truncate(sizeBytes: number): Promise<void> {
    this.#mustBeWritable();
    return this.#disk.call({
      kind: "truncate",
      path: this.#path,
      detail: `${sizeBytes}`,
      effect: () => {
        this.#mustNotCutWindows(sizeBytes);
        this.#inode.truncate(sizeBytes);
      },
    });
  }

  async sync(): Promise<void> {
    this.#mustBeOpen();
    const { process, faults } = this.#disk;
    if (!process.isAlive) return never();
    const sync = this.#inode.beginSync();
    const synced = this.#disk.call({
      kind: "sync",
      path: this.#path,
      effect: () => this.#inode.endSync(sync),
    });
    return synced.catch((error: unknown) => {
      this.#inode.failSync(sync, faults.dropsPages());
      throw error;
    });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    return this.#disk.call({
      kind: "close",
      path: this.#path,
      effect: () => {},
    });
  }

  /** As much as there is room for. */
  #write(bytes: Uint8Array): void {
    const free = this.#disk.storage.freeSizeBytes;
    this.#inode.append(bytes.subarray(0, Math.min(bytes.length, free)));
    if (free < bytes.length)
      throw failure("ENOSPC", this.#path, "the disk is full");
  }

  #writeSome(bytes: Uint8Array, random: SeededRandom): void {
    const sizeBytes = random.integer(bytes.length + 1);
    const free = this.#disk.storage.freeSizeBytes;
    this.#inode.append(bytes.subarray(0, Math.min(sizeBytes, free)));
  }

  #dieWriting(bytes: Uint8Array): void {
    this.#writeSome(bytes, this.#disk.process.random);
    this.#disk.kill();
  }

  /** Whoever touches such a window is killed by the system. */
  #mustNotCutWindows(sizeBytes: number): void {
    for (const { end, isHeld } of this.#inode.windows) {
      if (end <= sizeBytes || !isHeld()) continue;
      const detail = `${this.#path} is cut to ${sizeBytes} below a window up to ${end}`;
      this.#disk.process.simulator.fail(new Error(detail));
    }
  }

  #mustBeOpen(): void {
    if (this.#isClosed) throw failure("EBADF", this.#path, "used after close");
  }

  #mustBeWritable(): void {
    this.#mustBeOpen();
    if (!this.#canGrow) throw failure("EBADF", this.#path, "opened to be read");
  }
}
