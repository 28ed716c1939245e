/**
 * Any disk, with faults where a test wants them.
 *
 * A rule looks at each call before it reaches the disk and answers the code of
 * the error to fail it with, or null to let it through. An append may be let
 * through in part first, as a full disk does.
 */
import type {
  BadFrame,
  FrameFormat,
  FrameRange,
} from "../../broker/lib/checked-frames.ts";
import { DiskError } from "../../broker/platform/disk.ts";
import type {
  Disk,
  DiskEntry,
  DiskFile,
  LockResult,
  MappedWindow,
} from "../../broker/platform/disk.ts";

export type DiskOperation =
  keyof Disk | Exclude<keyof DiskFile, "sizeBytes" | "appendSync">;

export interface DiskCall {
  /** An `appendSync` is an `append` too. */
  readonly operation: DiskOperation;
  readonly path: string;
}

export interface DiskFault {
  /** The system's name of the error: `EIO`, `ENOSPC`, `EMFILE`, ... */
  readonly code: string;
  /** How many bytes of a failing append still reach the file; none by default. */
  readonly writtenSizeBytes?: number;
}

export type FaultRule = (call: DiskCall) => DiskFault | null;

export class FailingDisk implements Disk {
  readonly #disk: Disk;
  /** May be replaced at any time, also for files that are open. */
  rule: FaultRule;

  constructor(disk: Disk, rule: FaultRule = () => null) {
    this.#disk = disk;
    this.rule = rule;
  }

  async open(
    path: string,
    mode: "read" | "append" | "create",
  ): Promise<DiskFile> {
    this.#check("open", path);
    const file = await this.#disk.open(path, mode);
    return new FailingFile(file, path, (call) => this.rule(call));
  }

  async list(directory: string): Promise<readonly DiskEntry[]> {
    this.#check("list", directory);
    return this.#disk.list(directory);
  }

  async sizeOf(path: string): Promise<number | null> {
    this.#check("sizeOf", path);
    return this.#disk.sizeOf(path);
  }

  async createDirectory(path: string): Promise<void> {
    this.#check("createDirectory", path);
    return this.#disk.createDirectory(path);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#check("rename", from);
    return this.#disk.rename(from, to);
  }

  async remove(path: string): Promise<void> {
    this.#check("remove", path);
    return this.#disk.remove(path);
  }

  async removeDirectory(path: string): Promise<void> {
    this.#check("removeDirectory", path);
    return this.#disk.removeDirectory(path);
  }

  async syncDirectory(directory: string): Promise<void> {
    this.#check("syncDirectory", directory);
    return this.#disk.syncDirectory(directory);
  }

  async bootId(): Promise<string | null> {
    this.#check("bootId", "");
    return this.#disk.bootId();
  }

  async lock(path: string): Promise<LockResult> {
    this.#check("lock", path);
    return this.#disk.lock(path);
  }

  #check(operation: DiskOperation, path: string): void {
    const fault = this.rule({ operation, path });
    if (fault !== null) throw injected(fault, operation, path);
  }
}

class FailingFile implements DiskFile {
  readonly #file: DiskFile;
  readonly #path: string;
  readonly #rule: FaultRule;

  constructor(file: DiskFile, path: string, rule: FaultRule) {
    this.#file = file;
    this.#path = path;
    this.#rule = rule;
  }

  get sizeBytes(): number {
    return this.#file.sizeBytes;
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    this.#check("read");
    return this.#file.read(target, position);
  }

  map(position: number, sizeBytes: number): MappedWindow | null {
    // A map that fails is one that is not to be had.
    if (this.#fault("map") !== null) return null;
    return this.#file.map(position, sizeBytes);
  }

  async warm(position: number, sizeBytes: number): Promise<boolean> {
    this.#check("warm");
    return this.#file.warm(position, sizeBytes);
  }

  async checkFrames(
    format: FrameFormat,
    range: FrameRange,
  ): Promise<BadFrame | null> {
    this.#check("checkFrames");
    return this.#file.checkFrames(format, range);
  }

  async *stream(
    position: number,
    sizeBytes: number,
  ): AsyncIterable<Uint8Array> {
    this.#check("stream");
    yield* this.#file.stream(position, sizeBytes);
  }

  async append(parts: readonly Uint8Array[]): Promise<void> {
    const fault = this.#fault("append");
    if (fault === null) return this.#file.append(parts);
    await this.#file.append(firstBytes(parts, fault.writtenSizeBytes ?? 0));
    throw injected(fault, "append", this.#path);
  }

  appendSync(parts: readonly Uint8Array[]): void {
    const fault = this.#fault("append");
    if (fault === null) {
      this.#file.appendSync(parts);
      return;
    }
    this.#file.appendSync(firstBytes(parts, fault.writtenSizeBytes ?? 0));
    throw injected(fault, "append", this.#path);
  }

  async truncate(sizeBytes: number): Promise<void> {
    this.#check("truncate");
    return this.#file.truncate(sizeBytes);
  }

  async sync(): Promise<void> {
    this.#check("sync");
    return this.#file.sync();
  }

  async close(): Promise<void> {
    this.#check("close");
    return this.#file.close();
  }

  #fault(operation: DiskOperation): DiskFault | null {
    return this.#rule({ operation, path: this.#path });
  }

  #check(operation: DiskOperation): void {
    const fault = this.#fault(operation);
    if (fault !== null) throw injected(fault, operation, this.#path);
  }
}

function injected(
  fault: DiskFault,
  operation: DiskOperation,
  path: string,
): DiskError {
  return new DiskError(fault.code, path, `injected into ${operation}`);
}

function firstBytes(
  parts: readonly Uint8Array[],
  sizeBytes: number,
): readonly Uint8Array[] {
  return [Buffer.concat(parts).subarray(0, sizeBytes)];
}
