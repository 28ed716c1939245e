/**
 * Fetch: whole batches from where the reader stands, as many as fit.
 *
 * The first partition that has anything gives at least one batch, whole, even
 * when it is larger than every limit: a reader must be able to pass it. When
 * there is less than `sizeBytesMin` the fetch waits, once, against one
 * deadline, woken by appends to the partitions it asked for and by nothing
 * else. What it hands out are views; whoever sends them releases them.
 */
import type { Payload } from "../lib/payload.ts";
import type { Clock } from "../platform/clock.ts";
import type { PartitionLog, ReadResult } from "../storage/partition-log.ts";
import type { RequestContext } from "./context.ts";
import { type Refusal, refuse } from "./operation-error.ts";
import {
  findAll,
  type FoundPartition,
  type Partitions,
  refuseEpoch,
} from "./partitions.ts";
import { waitUntil } from "./wait.ts";

export interface FetchRequest {
  readonly waitMsMax: number;
  readonly sizeBytesMin: number;
  readonly sizeBytesMax: number;
  readonly isolation: "read_uncommitted" | "read_committed";
  readonly partitions: readonly FetchPartition[];
}

export interface FetchPartition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly sizeBytesMax: number;
  /** The epoch the reader knows, for fencing. */
  readonly leaderEpoch: number | null;
}

export interface Fetched {
  readonly error: null;
  readonly payload: Payload;
  readonly highWatermark: number;
  readonly stableOffset: number;
  readonly startOffset: number;
}

/** A refusal tells where the log is, when there is one: a reader out of range has to know. */
export type FetchResult =
  | Fetched
  | (Refusal & {
      readonly highWatermark: number | null;
      readonly startOffset: number | null;
    });

export type Fetch = (
  context: RequestContext,
  request: FetchRequest,
) => Promise<readonly FetchResult[]>;

export interface FetchParts {
  readonly partitions: Partitions;
  readonly clock: Clock;
  readonly sizeBytesMax: number;
}

export function createFetch({
  partitions,
  clock,
  sizeBytesMax,
}: FetchParts): Fetch {
  return async (context, request) => {
    const found = await findAll(partitions, request.partitions);
    const limit = Math.min(request.sizeBytesMax, sizeBytesMax);
    const sizeBytesMin = Math.min(request.sizeBytesMin, limit);
    if (mustWait(request, found, sizeBytesMin)) {
      const logs = found.flatMap((one) => (one.error === null ? one.log : []));
      await waitUntil(
        clock,
        context,
        logs,
        request.waitMsMax,
        () => !mustWait(request, found, sizeBytesMin),
      );
    }
    return readAll(request, found, limit);
  };
}

/** True while there is too little to read and nothing else to tell. */
function mustWait(
  request: FetchRequest,
  found: readonly FoundPartition[],
  sizeBytesMin: number,
): boolean {
  if (request.waitMsMax <= 0 || found.length === 0) return false;
  let availableSizeBytes = 0;
  for (const [index, one] of found.entries()) {
    const wanted = request.partitions[index];
    if (wanted === undefined || one.error !== null) return false;
    if (refuseEpoch(one.log, wanted.leaderEpoch) !== null) return false;
    const sizeBytes = one.log.availableSizeBytes(
      wanted.offset,
      limitOf(request),
    );
    // Out of range, or offline: to be told at once.
    if (sizeBytes === null) return false;
    availableSizeBytes += Math.min(sizeBytes, wanted.sizeBytesMax);
  }
  return availableSizeBytes < sizeBytesMin;
}

async function readAll(
  request: FetchRequest,
  found: readonly FoundPartition[],
  sizeBytesMax: number,
): Promise<readonly FetchResult[]> {
  const results: FetchResult[] = [];
  let leftSizeBytes = sizeBytesMax;
  let hasBatch = false;
  for (const [index, one] of found.entries()) {
    const wanted = request.partitions[index];
    if (wanted === undefined) break;
    const result = await readOne(request, wanted, one, {
      sizeBytesMax: Math.min(wanted.sizeBytesMax, leftSizeBytes),
      isBatchOwed: !hasBatch,
    });
    results.push(result);
    if (result.error !== null) continue;
    leftSizeBytes = Math.max(0, leftSizeBytes - result.payload.sizeBytes);
    hasBatch ||= result.payload.sizeBytes > 0;
  }
  return results;
}

async function readOne(
  request: FetchRequest,
  wanted: FetchPartition,
  found: FoundPartition,
  limits: { readonly sizeBytesMax: number; readonly isBatchOwed: boolean },
): Promise<FetchResult> {
  if (found.error !== null) return { ...found, ...nowhere };
  const { log } = found;
  const refusal = refuseEpoch(log, wanted.leaderEpoch);
  if (refusal !== null) return { ...refusal, ...whereIs(log) };
  const result: ReadResult = await log.read({
    offset: wanted.offset,
    sizeBytesMax: limits.sizeBytesMax,
    limit: limitOf(request),
    mustHaveBatch: limits.isBatchOwed,
  });
  if (result.error !== null) {
    return { ...refuse(result.error, result.detail), ...whereIs(log) };
  }
  return result;
}

function limitOf({ isolation }: FetchRequest): "stable" | "high-watermark" {
  return isolation === "read_committed" ? "stable" : "high-watermark";
}

const nowhere = { highWatermark: null, startOffset: null };

function whereIs(log: PartitionLog) {
  return { highWatermark: log.highWatermark, startOffset: log.startOffset };
}
