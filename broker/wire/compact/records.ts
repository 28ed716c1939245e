/**
 * Messages that move records, and find them.
 *
 * Batches are not in these headers but behind them, in the order of the
 * partitions, each as long as its partition's `sizeBytes` says.
 */
import {
  array,
  bool,
  int16,
  int32,
  int64,
  int8,
  string,
  struct,
  uint32,
} from "../schema.ts";
import { error } from "./common.ts";

/** Acks 0 gets no answer. */
export const produceRequest = {
  acks: int8,
  timeoutMs: int32,
  partitions: array(
    struct({ topic: string, partition: int32, sizeBytes: uint32 }),
  ),
};

/** In the order of the request. */
export const produceAnswer = {
  partitions: array(
    struct({
      error,
      baseOffset: int64.nullable(),
      logAppendTimeMs: int64.nullable(),
      startOffset: int64.nullable(),
    }),
  ),
};

/** Null, null for a producer that has no id yet. */
export const initProducerRequest = {
  producerId: int64.nullable(),
  producerEpoch: int16.nullable(),
};

export const initProducerAnswer = { producerId: int64, producerEpoch: int16 };

export const fetchRequest = {
  waitMsMax: int32,
  sizeBytesMin: int32,
  sizeBytesMax: int32,
  /** True: nothing above the last stable offset. */
  isCommittedOnly: bool,
  partitions: array(
    struct({
      topic: string,
      partition: int32,
      offset: int64,
      sizeBytesMax: int32,
      leaderEpoch: int32.nullable(),
    }),
  ),
};

export const fetchAnswer = {
  partitions: array(
    struct({
      error,
      sizeBytes: uint32,
      highWatermark: int64.nullable(),
      stableOffset: int64.nullable(),
      startOffset: int64.nullable(),
    }),
  ),
};

export const offsetsRequest = {
  isCommittedOnly: bool,
  partitions: array(
    struct({
      topic: string,
      partition: int32,
      /** `earliest`, `latest`, `max-timestamp`, or `timestamp`: the first record at or after it. */
      target: string,
      timestampMs: int64.nullable(),
      leaderEpoch: int32.nullable(),
    }),
  ),
};

/** Offset null: no record is there. */
export const offsetsAnswer = {
  partitions: array(
    struct({
      error,
      offset: int64.nullable(),
      timestampMs: int64.nullable(),
      leaderEpoch: int32.nullable(),
    }),
  ),
};

/** `beforeOffset` null: all that consumers can see. */
export const deleteRecordsRequest = {
  partitions: array(
    struct({ topic: string, partition: int32, beforeOffset: int64.nullable() }),
  ),
};

export const deleteRecordsAnswer = {
  partitions: array(struct({ error, startOffset: int64.nullable() })),
};
