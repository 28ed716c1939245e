/**
 * A segment's .log written anew: batches that hold, their headers put right,
 * and nothing else. What is left out goes to the side folder. The new file has
 * another name until `finish`'s caller gives it the log's.
 */
import { setBaseOffset, setPartitionLeaderEpoch } from "../record/batch.ts";
import { HEADER_SIZE } from "../record/batch-format.ts";
import { assert } from "../lib/assert.ts";
import type { DiskFile } from "../platform/disk.ts";
import type { JudgedBatch, JudgedPiece } from "./batch-order.ts";
import { FileWindow } from "../storage/file-window.ts";
import type { RemovedPieces, SideFolder } from "./side-folder.ts";

/** Copied in one piece, where so much lies together. */
const RUN_SIZE_BYTES_MAX = 1024 * 1024;

export class LogRewriter {
  readonly #path: string;
  readonly #window: FileWindow;
  readonly #target: DiskFile;
  readonly #side: SideFolder;
  #removed: RemovedPieces | null = null;
  /** What is to be copied next, as it is. */
  #run = { position: 0, sizeBytes: 0 };

  /** `path`: of the log, from the data directory on. */
  constructor(
    path: string,
    source: DiskFile,
    target: DiskFile,
    side: SideFolder,
  ) {
    this.#path = path;
    this.#window = new FileWindow(source);
    this.#target = target;
    this.#side = side;
  }

  /** Where the next batch begins in the new file. */
  get position(): number {
    return this.#target.sizeBytes + this.#run.sizeBytes;
  }

  async add(piece: JudgedPiece): Promise<void> {
    if (piece.kind === "hole") {
      await this.#flush();
      this.#removed ??= await this.#side.openRemoved(this.#path);
      await this.#removed.keep(this.#window, piece);
      return;
    }
    if (piece.mend !== null) {
      await this.#flush();
      await this.#writeMended(piece);
      return;
    }
    if (this.#run.sizeBytes === 0) this.#run.position = piece.position;
    this.#run.sizeBytes += piece.sizeBytes;
    assert(
      this.#run.position + this.#run.sizeBytes ===
        piece.position + piece.sizeBytes,
      "batches that are copied together lie together",
    );
    if (this.#run.sizeBytes >= RUN_SIZE_BYTES_MAX) await this.#flush();
  }

  /** Everything kept, on either side, is durable after this. */
  async finish(): Promise<void> {
    await this.#flush();
    await this.#target.sync();
    await this.#closeRemoved();
    await this.#side.sync();
  }

  /** Also after a failure. */
  async close(): Promise<void> {
    await this.#closeRemoved();
    await this.#target.close();
  }

  async #closeRemoved(): Promise<void> {
    const removed = this.#removed;
    this.#removed = null;
    await removed?.close();
  }

  async #flush(): Promise<void> {
    const { position, sizeBytes } = this.#run;
    await this.#copy(position, sizeBytes);
    this.#run = { position: 0, sizeBytes: 0 };
  }

  async #copy(position: number, sizeBytes: number): Promise<void> {
    for await (const bytes of this.#window.pieces(position, sizeBytes)) {
      await this.#target.append([bytes]);
    }
  }

  async #writeMended({
    header,
    mend,
    position,
    sizeBytes,
  }: JudgedBatch): Promise<void> {
    if (mend === null) return;
    const { baseOffset, leaderEpoch, detail } = mend;
    await this.#side.note({
      action: "mended",
      ...{ path: this.#path, position, detail, baseOffset, leaderEpoch },
      header: Buffer.from(header).toString("hex"),
    });
    const right = header.slice();
    setBaseOffset(right, 0, baseOffset);
    setPartitionLeaderEpoch(right, 0, leaderEpoch);
    await this.#target.append([right]);
    await this.#copy(position + HEADER_SIZE, sizeBytes - HEADER_SIZE);
  }
}
