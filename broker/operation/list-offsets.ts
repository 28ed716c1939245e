/**
 * Which offset a partition has at a place: its start, its end, a time, or its
 * newest timestamp; and where a leader epoch ended.
 */
import { StorageError } from "../storage/storage-error.ts";
import type { RequestContext } from "./context.ts";
import { type Refusal, refuse } from "./operation-error.ts";
import {
  findAll,
  type FoundPartition,
  type Partitions,
  refuseEpoch,
} from "./partitions.ts";

/** A time in ms since the epoch finds the first record at or after it. */
export type OffsetTarget = "earliest" | "latest" | "max-timestamp" | number;

export interface ListOffsetsPartition {
  readonly topic: string;
  readonly partition: number;
  readonly target: OffsetTarget;
  readonly leaderEpoch: number | null;
}

export interface ListedOffset {
  readonly error: null;
  /** Null where no record is at or after the target. */
  readonly offset: number | null;
  /** Of that record; null for the start and the end. */
  readonly timestampMs: number | null;
  readonly leaderEpoch: number;
}

export interface EpochPartition {
  readonly topic: string;
  readonly partition: number;
  /** What the client believes to be the current one, for fencing. */
  readonly currentLeaderEpoch: number | null;
  /** The one whose end is asked for. */
  readonly leaderEpoch: number;
}

/** Null, null where the log knows no such epoch. */
export interface EpochEndOffset {
  readonly error: null;
  readonly leaderEpoch: number | null;
  readonly endOffset: number | null;
}

export interface ListOffsets {
  list(
    context: RequestContext,
    request: {
      readonly isolation: "read_uncommitted" | "read_committed";
      readonly partitions: readonly ListOffsetsPartition[];
    },
  ): Promise<readonly (ListedOffset | Refusal)[]>;
  epochEnds(
    context: RequestContext,
    partitions: readonly EpochPartition[],
  ): Promise<readonly (EpochEndOffset | Refusal)[]>;
}

export function createListOffsets(partitions: Partitions): ListOffsets {
  return {
    async list(_context, request) {
      const found = await findAll(partitions, request.partitions);
      return Promise.all(
        request.partitions.map((wanted, index) =>
          listOne(wanted, found[index], request.isolation),
        ),
      );
    },
    async epochEnds(_context, wanted) {
      const found = await findAll(partitions, wanted);
      return wanted.map((one, index) => epochEnd(one, found[index]));
    },
  };
}

async function listOne(
  { target, leaderEpoch }: ListOffsetsPartition,
  found: FoundPartition | undefined,
  isolation: "read_uncommitted" | "read_committed",
): Promise<ListedOffset | Refusal> {
  if (found === undefined) return refuse("unknown-topic-or-partition");
  if (found.error !== null) return found;
  const { log } = found;
  // Before the epoch, which a client that asks for the reason need not know.
  if (log.fault !== null) return refuse("storage-offline", log.fault.message);
  const refusal = refuseEpoch(log, leaderEpoch);
  if (refusal !== null) return refusal;
  if (target === "earliest" || target === "latest") {
    const end =
      isolation === "read_committed" ? log.stableOffset : log.highWatermark;
    return {
      error: null,
      offset: target === "earliest" ? log.startOffset : end,
      timestampMs: null,
      leaderEpoch: log.leaderEpoch,
    };
  }
  try {
    const record =
      target === "max-timestamp"
        ? await log.findMaxTimestamp()
        : await log.findOffsetByTimestamp(target);
    return {
      error: null,
      offset: record?.offset ?? null,
      timestampMs: record?.timestampMs ?? null,
      leaderEpoch: record?.leaderEpoch ?? log.leaderEpoch,
    };
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return refuse("storage-offline", error.message);
  }
}

function epochEnd(
  { currentLeaderEpoch, leaderEpoch }: EpochPartition,
  found: FoundPartition | undefined,
): EpochEndOffset | Refusal {
  if (found === undefined) return refuse("unknown-topic-or-partition");
  if (found.error !== null) return found;
  const refusal = refuseEpoch(found.log, currentLeaderEpoch);
  if (refusal !== null) return refusal;
  const end = found.log.endOffsetForEpoch(leaderEpoch);
  return {
    error: null,
    leaderEpoch: end?.epoch ?? null,
    endOffset: end?.endOffset ?? null,
  };
}
