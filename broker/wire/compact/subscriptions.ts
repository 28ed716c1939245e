/**
 * Push with credit: the broker sends batches as they arrive.
 *
 * - `subscribe` opens a subscription under a number the client chose, or
 *   changes one: `positions` are begun anew, `removed` end, others go on.
 * - Each partition has at most one push under way. The client answers it with a
 *   `credit` that says where the partition goes on: only who decodes batches
 *   knows where the last whole one ends, and the broker looks into none.
 * - Credit counts pushed bytes over all partitions. A push is sent while there is
 *   any left, and may overdraw it by its own size. The client gives credit back
 *   as its buffer empties, for bytes it throws away too.
 * - `round` says which `subscribe` a position is from, so that what was under
 *   way when a position was replaced is told from what follows.
 * - A partition that was pushed an error is no longer in the subscription.
 */
import {
  array,
  bool,
  int32,
  int64,
  string,
  struct,
  uint32,
} from "../schema.ts";
import { error, position, topicPartition } from "./common.ts";

export const subscribeRequest = {
  subscription: uint32,
  round: uint32,
  /** True: nothing above the last stable offset. These two count when a subscription is opened. */
  isCommittedOnly: bool,
  partitionSizeBytesMax: int32,
  /** Added to what is left. */
  creditSizeBytes: uint32,
  positions: array(position),
  removed: array(topicPartition),
};

export const subscribeAnswer = {};

/** Gets no answer. A round that is over is passed over. */
export const creditRequest = {
  subscription: uint32,
  sizeBytes: uint32,
  positions: array(
    struct({ topic: string, partition: int32, round: uint32, offset: int64 }),
  ),
};

export const creditAnswer = {};

export const unsubscribeRequest = { subscription: uint32 };

export const unsubscribeAnswer = {};

/** What the broker pushes, with the subscription as correlation id; the batches follow. */
export const batchesPush = {
  topic: string,
  partition: int32,
  round: uint32,
  error,
  /** The position that was read from. */
  offset: int64,
  highWatermark: int64.nullable(),
  stableOffset: int64.nullable(),
  startOffset: int64.nullable(),
  /**
   * With `offset-out-of-range`, where the log was cut below the position since
   * its `lastEpoch`: up to here the log is as it was read. Else null.
   */
  divergingOffset: int64.nullable().default(null),
};
