/**
 * Repairs one partition's directory. One pass over the log, in which everything
 * that follows from it is made anew too, where that was asked for.
 *
 * What a crash between any two steps leaves:
 *
 *   1. the new log, the new indexes and what is left out lie elsewhere, synced
 *      -> nothing has changed; what lies there is a leftover
 *   2. the indexes are removed
 *      -> an opening, and a repair, build them anew from the old log
 *   3. the new log takes the old one's name
 *      -> the same, from the new log
 *   4. the new indexes take their places
 *
 * So an index never stands beside a log that it is not of.
 */
import type { Clock } from "../platform/clock.ts";
import type { Disk } from "../platform/disk.ts";
import { readSmallFile, replaceFile } from "../storage/checkpoint.ts";
import {
  joinPath,
  LEADER_EPOCH_FILE,
  parseSegmentFileName,
  segmentFileName,
  TEMPORARY_SUFFIX,
} from "../storage/layout.ts";
import {
  type LeaderEpochs,
  parseLeaderEpochs,
} from "../storage/leader-epochs.ts";
import { decodeProducerSnapshot } from "../storage/producer-snapshot.ts";
import { finishSwaps } from "../storage/segment-swap.ts";
import { StorageError } from "../storage/storage-error.ts";
import type { JudgedPiece } from "./batch-order.ts";
import { IndexBuilder, LogState } from "./companion-builder.ts";
import type { Fix } from "./finding.ts";
import { LogRewriter } from "./log-rewriter.ts";
import { type ListedSegment, listPartition } from "./partition-listing.ts";
import { walkSegment, type WalkEnd, type WalkStart } from "./segment-walk.ts";
import { raiseRecoveryPoint } from "./raise-recovery-point.ts";
import type { SideFolder } from "./side-folder.ts";

export interface RepairTools {
  readonly disk: Disk;
  readonly clock: Clock;
  /** The data directory. */
  readonly directory: string;
  readonly side: SideFolder;
}

export interface PartitionToRepair {
  /** Of its directory. */
  readonly name: string;
  readonly fixes: readonly Fix[];
  readonly indexIntervalSizeBytes: number;
  /** As the verification took it. */
  readonly isDense: boolean;
}

type IndexKind = "offsetIndex" | "timeIndex";
const indexKinds = ["offsetIndex", "timeIndex"] as const;

export async function repairPartition(
  tools: RepairTools,
  partition: PartitionToRepair,
): Promise<void> {
  const { disk, directory, side } = tools;
  const { name, fixes } = partition;
  const path = joinPath(directory, name);
  if (fixes.some(({ action }) => action === "finish-compaction")) {
    const entries = await disk.list(path);
    const names = entries.map((entry) => entry.name);
    await finishSwaps(disk, path, names);
  }
  for (const fix of fixes) {
    if (fix.action !== "move-aside") continue;
    await side.moveHere(fix.path, fix.path === name ? directory : path);
  }
  const repair = new PartitionRepair(tools, partition);
  await repair.run();
  for (const fix of fixes) {
    if (fix.action === "rewrite-file") {
      await side.keepCopy(fix.path);
      const file = fix.path.slice(name.length + 1);
      await replaceFile(disk, { directory: path, name: file }, fix.content);
    } else if (fix.action === "extend") {
      const file = segmentFileName(fix.offset, "log");
      await replaceFile(
        disk,
        { directory: path, name: file },
        new Uint8Array(0),
      );
    }
  }
}

/** By what is asked for: logs to write anew, and files to make anew. */
interface Wanted {
  readonly logs: ReadonlySet<number>;
  readonly indexes: ReadonlyMap<number, ReadonlySet<IndexKind>>;
  /** In order. */
  readonly snapshots: readonly number[];
  readonly epochs: boolean;
}

class PartitionRepair {
  readonly #tools: RepairTools;
  readonly #name: string;
  readonly #path: string;
  readonly #intervalSizeBytes: number;
  readonly #isDense: boolean;
  #wanted: Wanted;
  readonly #snapshots: number[];

  constructor(tools: RepairTools, partition: PartitionToRepair) {
    this.#tools = tools;
    this.#name = partition.name;
    this.#path = joinPath(tools.directory, partition.name);
    this.#intervalSizeBytes = partition.indexIntervalSizeBytes;
    this.#isDense = partition.isDense;
    this.#wanted = wantedOf(partition);
    this.#snapshots = [...this.#wanted.snapshots];
  }

  async run(): Promise<void> {
    const { logs, indexes, snapshots, epochs } = this.#wanted;
    if (logs.size + indexes.size + snapshots.length === 0 && !epochs) return;
    if (logs.size > 0) await this.#raiseRecoveryPoint();
    const { disk } = this.#tools;
    const { segments } = listPartition(await disk.list(this.#path));
    const witness = await this.#readEpochs();
    const state = await this.#stateBefore(segments[0]?.baseOffset ?? 0);
    let end: WalkEnd = { nextOffset: 0, leaderEpoch: -1 };
    for (const [slot, segment] of segments.entries()) {
      const { baseOffset } = segment;
      const endOffset = segments[slot + 1]?.baseOffset ?? null;
      const { leaderEpoch } = end;
      const bounds = { baseOffset, endOffset };
      const isDense = this.#isDense;
      const start = { bounds, leaderEpoch, epochs: witness, isDense };
      end = await this.#repairSegment(segment, start, state);
    }
    await this.#writeSnapshots(Number.POSITIVE_INFINITY, state);
    if (epochs) await this.#replace(LEADER_EPOCH_FILE, state.epochs.encode());
  }

  async #raiseRecoveryPoint(): Promise<void> {
    const raised = await raiseRecoveryPoint(this.#tools, this.#name);
    const indexes = new Map(this.#wanted.indexes);
    for (const baseOffset of raised) {
      indexes.set(baseOffset, new Set(indexKinds));
    }
    this.#wanted = { ...this.#wanted, indexes };
  }

  async #repairSegment(
    { baseOffset }: ListedSegment,
    start: WalkStart,
    state: LogState,
  ): Promise<WalkEnd> {
    const isRewritten = this.#wanted.logs.has(baseOffset);
    const kinds = isRewritten
      ? new Set(indexKinds)
      : (this.#wanted.indexes.get(baseOffset) ?? new Set());
    const builder =
      kinds.size === 0 ? null : await this.#indexBuilder(baseOffset);
    try {
      const end = await this.#walk(start, { isRewritten, builder, state });
      const built = (await builder?.finish()) ?? null;
      if (isRewritten) await this.#exchangeLog(baseOffset);
      if (built !== null) await this.#placeIndexes(kinds, baseOffset, built);
      return end;
    } finally {
      await builder?.close();
    }
  }

  /** Over the segment's log, with whoever takes part; all files are closed again after it. */
  async #walk(
    start: WalkStart,
    to: {
      readonly isRewritten: boolean;
      readonly builder: IndexBuilder | null;
      readonly state: LogState;
    },
  ): Promise<WalkEnd> {
    const { disk, side } = this.#tools;
    const name = segmentFileName(start.bounds.baseOffset, "log");
    const logPath = joinPath(this.#path, name);
    const source = await disk.open(logPath, "read");
    let rewriter: LogRewriter | null = null;
    let isWhole = false;
    try {
      if (to.isRewritten) {
        const target = await disk.open(logPath + TEMPORARY_SUFFIX, "create");
        const path = joinPath(this.#name, name);
        rewriter = new LogRewriter(path, source, target, side);
      }
      const walk = walkSegment(source, start);
      let step = await walk.next();
      for (; step.done !== true; step = await walk.next()) {
        for (const piece of step.value) {
          await this.#take(piece, { rewriter, ...to });
        }
      }
      await rewriter?.finish();
      isWhole = true;
      return step.value;
    } finally {
      await rewriter?.close();
      await source.close();
      // Room on a full disk is worth more than a part of a log.
      if (to.isRewritten && !isWhole) {
        await disk.remove(logPath + TEMPORARY_SUFFIX);
      }
    }
  }

  async #take(
    piece: JudgedPiece,
    to: {
      readonly rewriter: LogRewriter | null;
      readonly builder: IndexBuilder | null;
      readonly state: LogState;
    },
  ): Promise<void> {
    const { rewriter, builder, state } = to;
    if (piece.kind === "batch") {
      const { baseOffset } = piece.mend ?? piece;
      await this.#writeSnapshots(baseOffset, state);
      state.add(piece);
      await builder?.add(piece, rewriter?.position ?? piece.position);
    }
    await rewriter?.add(piece);
  }

  /** Steps 2 and 3 of the module's comment. */
  async #exchangeLog(baseOffset: number): Promise<void> {
    const { disk, side } = this.#tools;
    for (const kind of indexKinds) {
      const name = segmentFileName(baseOffset, kind);
      await side.keepCopy(joinPath(this.#name, name));
      await disk.remove(joinPath(this.#path, name));
    }
    await disk.syncDirectory(this.#path);
    const logPath = joinPath(this.#path, segmentFileName(baseOffset, "log"));
    await disk.rename(logPath + TEMPORARY_SUFFIX, logPath);
    await disk.syncDirectory(this.#path);
  }

  async #placeIndexes(
    kinds: ReadonlySet<IndexKind>,
    baseOffset: number,
    built: Readonly<Record<IndexKind, string>>,
  ): Promise<void> {
    const { disk, side } = this.#tools;
    for (const kind of kinds) {
      const name = segmentFileName(baseOffset, kind);
      if (!this.#wanted.logs.has(baseOffset)) {
        await side.keepCopy(joinPath(this.#name, name));
      }
      await disk.rename(built[kind], joinPath(this.#path, name));
    }
    await disk.syncDirectory(this.#path);
  }

  /** Those of offsets up to this one, as the state is now. */
  async #writeSnapshots(upTo: number, state: LogState): Promise<void> {
    for (;;) {
      const [offset] = this.#snapshots;
      if (offset === undefined || offset > upTo) return;
      this.#snapshots.shift();
      const name = segmentFileName(offset, "producerSnapshot");
      await this.#replace(name, state.snapshot());
    }
  }

  async #replace(name: string, content: Uint8Array): Promise<void> {
    const { disk, side } = this.#tools;
    await side.keepCopy(joinPath(this.#name, name));
    await replaceFile(disk, { directory: this.#path, name }, content);
  }

  async #indexBuilder(baseOffset: number): Promise<IndexBuilder> {
    const directory = joinPath(this.#tools.side.scratchPath, this.#name);
    await this.#tools.disk.createDirectory(directory);
    const at = { directory, baseOffset };
    return new IndexBuilder(this.#tools, at, this.#intervalSizeBytes);
  }

  /** Null where the file cannot be a witness. */
  async #readEpochs(): Promise<LeaderEpochs | null> {
    const path = joinPath(this.#path, LEADER_EPOCH_FILE);
    const bytes = await readSmallFile(this.#tools.disk, path);
    try {
      return bytes === null ? null : parseLeaderEpochs(bytes, path);
    } catch (error) {
      if (error instanceof StorageError) return null;
      throw error;
    }
  }

  /** Producers as they were before the log's first batch, where its snapshot says so. */
  async #stateBefore(baseOffset: number): Promise<LogState> {
    const name = segmentFileName(baseOffset, "producerSnapshot");
    const path = joinPath(this.#path, name);
    const bytes = await readSmallFile(this.#tools.disk, path);
    const entries = bytes === null ? null : decodeProducerSnapshot(bytes);
    return new LogState(entries ?? []);
  }
}

function wantedOf({ name, fixes }: PartitionToRepair): Wanted {
  const logs = new Set<number>();
  const indexes = new Map<number, Set<IndexKind>>();
  const snapshots: number[] = [];
  let epochs = false;
  for (const fix of fixes) {
    const file = parseSegmentFileName(fix.path.slice(name.length + 1));
    if (fix.action === "rewrite-log" && file !== null) {
      logs.add(file.baseOffset);
    }
    if (fix.action !== "rebuild") continue;
    if (file === null) epochs = true;
    else if (file.kind === "producerSnapshot") snapshots.push(file.baseOffset);
    else if (file.kind === "offsetIndex" || file.kind === "timeIndex") {
      const known = indexes.get(file.baseOffset) ?? new Set();
      indexes.set(file.baseOffset, known.add(file.kind));
    }
  }
  snapshots.sort((a, b) => a - b);
  return { logs, indexes, snapshots, epochs };
}
