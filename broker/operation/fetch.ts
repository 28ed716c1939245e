/**
 * Fetch: whole batches from where the reader stands, as many as fit.
 *
 * The first partition that has anything gives at least one batch, whole, even
 * when it is larger than every limit: a reader must be able to pass it. When
 * there is less than `sizeBytesMin` the fetch waits, once, against one
 * deadline, woken by appends to the partitions it asked for and by nothing
 * else. What it hands out are views; whoever sends them releases them.
 */
import { type Payload, payloadOf } from "../lib/payload.ts";
import type { Clock } from "../platform/clock.ts";
import type { EpochEnd } from "../storage/leader-epochs.ts";
import type { PartitionLog } from "../storage/partition-log.ts";
import { StorageError } from "../storage/storage-error.ts";
import type { RequestContext } from "./context.ts";
import { type Refusal, refuse } from "./operation-error.ts";
import {
  findAll,
  type FoundPartition,
  type Partitions,
  refuseEpoch,
} from "./partitions.ts";
import { Wake } from "./wait.ts";

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
  /** Of the last record it has: where the log was cut since, it is told so. */
  readonly lastFetchedEpoch?: number | null;
}

export interface Fetched {
  readonly error: null;
  readonly payload: Payload;
  readonly highWatermark: number;
  readonly stableOffset: number;
  readonly startOffset: number;
  /** The log is not what the reader read: up to here it may still be. Comes with no records. */
  readonly divergingEpoch?: EpochEnd;
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
  /** The most that one fetch answers, whatever it asks for. */
  readonly sizeBytesMax: number;
  readonly transfer: "mapped" | "stream" | "plain";
}

export function createFetch(parts: FetchParts): Fetch {
  return async (context, asked) => {
    const sizeBytesMax = Math.min(asked.sizeBytesMax, parts.sizeBytesMax);
    const sizeBytesMin = Math.min(asked.sizeBytesMin, sizeBytesMax);
    const request = { ...asked, sizeBytesMax, sizeBytesMin };
    const found = await findAll(parts.partitions, request.partitions);
    const results = await readAll(request, found, parts.transfer);
    if (isEnough(request, results) || request.waitMsMax <= 0) return results;
    giveBack(results);
    return readWhenEnough(parts, context, request, found);
  };
}

/** Waits first, reads again after each append, and takes what there is at the end. */
async function readWhenEnough(
  { clock, transfer }: FetchParts,
  context: RequestContext,
  request: FetchRequest,
  found: readonly FoundPartition[],
): Promise<readonly FetchResult[]> {
  const logs = found.flatMap((one) => (one.error === null ? one.log : []));
  const wake = new Wake(clock, context, logs, request.waitMsMax);
  try {
    for (;;) {
      // What was appended before `wake` listened is seen by this read.
      const results = await readAll(request, found, transfer);
      if (wake.isOver || isEnough(request, results)) return results;
      giveBack(results);
      await wake.next();
    }
  } finally {
    wake.close();
  }
}

/** An error is worth telling at once. */
function isEnough(
  { sizeBytesMin }: FetchRequest,
  results: readonly FetchResult[],
): boolean {
  if (results.length === 0) return true;
  let sizeBytes = 0;
  for (const result of results) {
    if (result.error !== null) return true;
    if (result.divergingEpoch !== undefined) return true;
    sizeBytes += result.payload.sizeBytes;
  }
  return sizeBytes >= sizeBytesMin;
}

function giveBack(results: readonly FetchResult[]): void {
  for (const result of results) {
    if (result.error === null) result.payload.release();
  }
}

async function readAll(
  request: FetchRequest,
  found: readonly FoundPartition[],
  transfer: FetchParts["transfer"],
): Promise<readonly FetchResult[]> {
  const results: FetchResult[] = [];
  let leftSizeBytes = request.sizeBytesMax;
  for (const [index, one] of found.entries()) {
    const wanted = request.partitions[index];
    if (wanted === undefined) break;
    const reading = readOne(request, wanted, one, {
      sizeBytesMax: Math.max(0, Math.min(wanted.sizeBytesMax, leftSizeBytes)),
      minOneBatch: leftSizeBytes === request.sizeBytesMax,
      transfer,
    });
    const result = reading instanceof Promise ? await reading : reading;
    results.push(result);
    if (result.error === null) leftSizeBytes -= result.payload.sizeBytes;
  }
  return results;
}

interface ReadLimits {
  readonly sizeBytesMax: number;
  /** Nothing was found yet: the first batch goes out whatever its size. */
  readonly minOneBatch: boolean;
  readonly transfer: FetchParts["transfer"];
}

function readOne(
  request: FetchRequest,
  { offset, leaderEpoch, lastFetchedEpoch = null }: FetchPartition,
  found: FoundPartition,
  limits: ReadLimits,
): FetchResult | Promise<FetchResult> {
  if (found.error !== null) return { ...found, ...nowhere };
  const { log } = found;
  const refusal = refuseEpoch(log, leaderEpoch);
  if (refusal !== null) return { ...refusal, ...whereIs(log) };
  if (lastFetchedEpoch !== null) {
    const diverged = divergence(log, offset, lastFetchedEpoch);
    if (diverged !== null) return diverged;
  }
  const limit =
    request.isolation === "read_committed" ? "stable" : "high-watermark";
  const result = log.read({ offset, limit, ...limits });
  return result instanceof Promise
    ? result.then(
        (read) => resultOf(log, read),
        (error: unknown) => failed(log, error),
      )
    : resultOf(log, result);
}

/**
 * What a reader is told whose last record is not in this log (KIP-595): its
 * epoch ended before the offset that it asks for, or never was. Else null.
 */
function divergence(
  log: PartitionLog,
  offset: number,
  lastFetchedEpoch: number,
): FetchResult | null {
  const end = log.endOffsetForEpoch(lastFetchedEpoch);
  if (end === null) {
    const detail = `there is no leader epoch ${lastFetchedEpoch}`;
    return { ...refuse("offset-out-of-range", detail), ...whereIs(log) };
  }
  if (end.epoch === lastFetchedEpoch && end.endOffset >= offset) return null;
  return {
    error: null,
    payload: payloadOf([]),
    highWatermark: log.highWatermark,
    stableOffset: log.stableOffset,
    startOffset: log.startOffset,
    divergingEpoch: end,
  };
}

function resultOf(
  log: PartitionLog,
  result: Awaited<ReturnType<PartitionLog["read"]>>,
): FetchResult {
  if (result.error === null) return result;
  const detail = "detail" in result ? result.detail : null;
  return { ...refuse(result.error, detail), ...whereIs(log) };
}

/** A read that failed on the disk is this partition's answer, and nobody else's. */
function failed(log: PartitionLog, error: unknown): FetchResult {
  if (!(error instanceof StorageError)) throw error;
  return { ...refuse("storage-offline", error.message), ...whereIs(log) };
}

const nowhere = { highWatermark: null, startOffset: null };

function whereIs(log: PartitionLog) {
  return { highWatermark: log.highWatermark, startOffset: log.startOffset };
}
