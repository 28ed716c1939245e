/** Pieces that messages of the compact protocol share. */
import { array, int32, int64, string, struct } from "../schema.ts";

/** Of `error-codes.ts`: its word, what it means, and what it is about here. */
export const errorFields = {
  code: string,
  message: string,
  detail: string.nullable(),
};

/** Null where it went well. */
export const error = struct(errorFields).nullable();

export const topicPartition = struct({ topic: string, partition: int32 });

/** Answers that say only how it went, one for each name that was asked. */
export const namedErrors = { topics: array(struct({ name: string, error })) };

/**
 * Where a reader stands; with the leader epoch it knows, if any, and the one of
 * the last record it has: where the log was cut since, it is told so.
 */
export const position = struct({
  topic: string,
  partition: int32,
  offset: int64,
  leaderEpoch: int32.nullable(),
  lastEpoch: int32.nullable().default(null),
});
