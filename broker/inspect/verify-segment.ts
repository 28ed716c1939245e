/**
 * One segment: every batch of its log, and its indexes in step with it, in one
 * pass over each file.
 */
import { assert } from "../lib/assert.ts";
import { joinPath, segmentFileName } from "../storage/layout.ts";
import type { DiskFile } from "../platform/disk.ts";
import { isControl } from "../record/batch.ts";
import type { JudgedBatch, JudgedPiece } from "./batch-order.ts";
import type { FindingKind } from "./finding.ts";
import {
  type IndexCheck,
  OffsetIndexCheck,
  TimeIndexCheck,
} from "./index-check.ts";
import { type ReadableFile, readRange } from "../storage/file-window.ts";
import type { ListedSegment } from "./partition-listing.ts";
import { walkSegment, type WalkEnd, type WalkStart } from "./segment-walk.ts";
import type { VerifyContext } from "./verify-context.ts";

/** A larger batch is not looked into: it would have to be in memory whole. */
const READ_SIZE_BYTES_MAX = 256 * 1024 * 1024;
/** A marker's batch has less than a hundred; a larger one is none. */
const CONTROL_SIZE_BYTES_MAX = 64 * 1024;

export interface SegmentPlace {
  /** The partition's directory, seen from the data directory. */
  readonly partition: string;
  readonly segment: ListedSegment;
  readonly isLast: boolean;
  /** An opening takes its indexes as they are, and its log as whole. */
  readonly isTrusted: boolean;
  /** The log was synced up to here. */
  readonly recoveryPoint: number;
  /** Batches that lack records are as they should be. */
  readonly mayBeSparse: boolean;
}

export interface SegmentVisitor {
  /** Every batch that holds, in order; its header is that of the file. */
  readonly batch: (batch: JudgedBatch) => void;
  /** The same once more for a control batch, with its bytes. */
  readonly control: (batch: JudgedBatch, bytes: Uint8Array) => void;
  readonly hole: () => void;
  /** The batch's bytes, for what needs its records; answers what is wrong with them. */
  readonly content: ((bytes: Uint8Array) => ContentFault | null) | null;
}

export interface ContentFault {
  readonly kind: FindingKind;
  readonly detail: string;
}

export async function verifySegment(
  context: VerifyContext,
  place: SegmentPlace,
  start: WalkStart,
  visitor: SegmentVisitor,
): Promise<WalkEnd> {
  const { partition, segment } = place;
  const { baseOffset } = segment;
  const pathOf = (kind: "log" | "offsetIndex" | "timeIndex") =>
    joinPath(partition, segmentFileName(baseOffset, kind));
  const end = await context.withFile(pathOf("log"), async (log) => {
    const walk = new SegmentCheck(context, place, pathOf("log"), visitor);
    return withIndexes(context, pathOf, baseOffset, async (indexes) => {
      const ended = await walk.run(log, start, indexes);
      for (const [kind, check] of indexes) {
        const path = pathOf(kind);
        if (check !== null) await walk.tellIndex(path, check);
        else if (log.sizeBytes > 0 && place.isTrusted) {
          const fix = { action: "rebuild", partition, path } as const;
          await context.find("missing-index", path, "no such file", { fix });
        }
      }
      return ended;
    });
  });
  assert(end !== null, "the log was there when the directory was listed");
  return end;
}

type IndexKind = "offsetIndex" | "timeIndex";
type Indexes = readonly (readonly [IndexKind, IndexCheck | null])[];

/** Both files stay open for the pass; a null stands for one that is missing. */
async function withIndexes<Result>(
  context: VerifyContext,
  pathOf: (kind: IndexKind) => string,
  baseOffset: number,
  work: (indexes: Indexes) => Promise<Result>,
): Promise<Result> {
  const open = async <Next>(
    kind: IndexKind,
    next: (file: DiskFile | null) => Promise<Next>,
  ): Promise<Next> => {
    const result = await context.withFile(pathOf(kind), async (file) => ({
      done: await next(file),
    }));
    return result === null ? next(null) : result.done;
  };
  return open("offsetIndex", (offsets) =>
    open("timeIndex", (times) =>
      work([
        ["offsetIndex", offsets && new OffsetIndexCheck(offsets, baseOffset)],
        ["timeIndex", times && new TimeIndexCheck(times, baseOffset)],
      ]),
    ),
  );
}

/** Holes that touch each other are one place for people. */
interface HoleRun {
  readonly position: number;
  sizeBytes: number;
  count: number;
  readonly detail: string;
  readonly nextOffset: number;
}

class SegmentCheck {
  readonly #context: VerifyContext;
  readonly #place: SegmentPlace;
  readonly #path: string;
  readonly #visitor: SegmentVisitor;
  #holes: HoleRun | null = null;
  #nextOffset: number;

  constructor(
    context: VerifyContext,
    place: SegmentPlace,
    path: string,
    visitor: SegmentVisitor,
  ) {
    this.#context = context;
    this.#place = place;
    this.#path = path;
    this.#visitor = visitor;
    this.#nextOffset = place.segment.baseOffset;
  }

  async run(
    log: ReadableFile,
    start: WalkStart,
    indexes: Indexes,
  ): Promise<WalkEnd> {
    const walk = walkSegment(log, start);
    for (;;) {
      const { value, done } = await walk.next();
      if (done === true) {
        await this.#tellHoles(this.#place.isLast);
        return value;
      }
      for (const [, check] of indexes) await check?.walk(value);
      for (const piece of value) await this.#visit(log, piece);
      this.#context.progress(sizeOf(value));
    }
  }

  async tellIndex(path: string, check: IndexCheck): Promise<void> {
    const { partition, isTrusted } = this.#place;
    const wrong = await check.end(isTrusted);
    if (wrong === null) return;
    // One that is not trusted is built anew at the next opening.
    const severity = isTrusted ? "damage" : "unfinished";
    const { position, detail } = wrong;
    const fix = { action: "rebuild", partition, path } as const;
    const found = { position, severity, fix } as const;
    await this.#context.find("wrong-index", path, detail, found);
  }

  async #visit(log: ReadableFile, piece: JudgedPiece): Promise<void> {
    if (piece.kind === "hole") {
      this.#visitor.hole();
      if (this.#holes === null) {
        const nextOffset = this.#nextOffset;
        this.#holes = { ...piece, count: 1, nextOffset };
      } else {
        this.#holes.sizeBytes += piece.sizeBytes;
        this.#holes.count += 1;
      }
      return;
    }
    if (this.#holes !== null) await this.#tellHoles(false);
    this.#nextOffset = piece.lastOffset + 1;
    if (piece.mend !== null) {
      await this.#context.find(
        "displaced-batch",
        this.#path,
        piece.mend.detail,
        { ...placeOf(piece), fix: this.#rewrite() },
      );
    }
    await this.#checkCount(piece);
    this.#visitor.batch(piece);
    if (isControl(piece.header, 0)) await this.#showControl(log, piece);
    if (this.#visitor.content !== null) await this.#checkContent(log, piece);
  }

  async #showControl(log: ReadableFile, batch: JudgedBatch): Promise<void> {
    const { position, sizeBytes } = batch;
    if (sizeBytes > CONTROL_SIZE_BYTES_MAX) return;
    const bytes = await readRange(log, position, sizeBytes);
    this.#visitor.control(batch, bytes);
  }

  async #checkCount(batch: JudgedBatch): Promise<void> {
    const offsetCount = batch.lastOffset - batch.baseOffset + 1;
    const { recordCount } = batch;
    const isRight = this.#place.mayBeSparse
      ? recordCount >= 0 && recordCount <= offsetCount
      : recordCount === offsetCount;
    if (isRight) return;
    const detail = `${recordCount} records for ${offsetCount} offsets`;
    await this.#context.find(
      "missing-records",
      this.#path,
      detail,
      placeOf(batch),
    );
  }

  async #checkContent(log: ReadableFile, batch: JudgedBatch): Promise<void> {
    const { position, sizeBytes } = batch;
    const fault: ContentFault | null =
      sizeBytes > READ_SIZE_BYTES_MAX
        ? { kind: "unreadable-records", detail: `${sizeBytes} bytes at once` }
        : (this.#visitor.content?.(await readRange(log, position, sizeBytes)) ??
          null);
    if (fault === null) return;
    const { kind, detail } = fault;
    await this.#context.find(kind, this.#path, detail, placeOf(batch));
  }

  /** `isAtEnd`: nothing lies behind them in the partition. */
  async #tellHoles(isAtEnd: boolean): Promise<void> {
    const run = this.#holes;
    this.#holes = null;
    if (run === null) return;
    const { isTrusted, isLast, recoveryPoint } = this.#place;
    const isPromised = isTrusted || run.nextOffset < recoveryPoint;
    const mayBeTorn = isAtEnd && !isPromised;
    const count = run.count === 1 ? "" : `${run.count} batches, the first: `;
    const cut =
      isLast && !isAtEnd && !isPromised
        ? "; an opening after a reboot would cut the log here, with the whole batches behind it"
        : "";
    await this.#context.find(
      mayBeTorn ? "torn-tail" : "damaged-batch",
      this.#path,
      `${count}${run.detail}${cut}`,
      { ...placeOf(run), fix: this.#rewrite() },
    );
  }

  #rewrite() {
    const { partition } = this.#place;
    return { action: "rewrite-log", partition, path: this.#path } as const;
  }
}

function placeOf(piece: {
  readonly position: number;
  readonly sizeBytes: number;
}) {
  return { position: piece.position, sizeBytes: piece.sizeBytes };
}

function sizeOf(pieces: readonly JudgedPiece[]): number {
  let sizeBytes = 0;
  for (const piece of pieces) sizeBytes += piece.sizeBytes;
  return sizeBytes;
}
