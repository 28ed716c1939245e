/**
 * CreatePartitions: v0-3
 *
 * v2   flexible
 * v3   the client understands THROTTLING_QUOTA_EXCEEDED (KIP-599)
 *
 * `count` is the new count, not how many to add.
 */
import {
  array,
  bool,
  int16,
  int32,
  message,
  string,
  struct,
  type Infer,
} from "../../schema.ts";

export const createPartitionsRequest = message({
  apiKey: 37,
  name: "CreatePartitionsRequest",
  versions: "0-3",
  flexible: "2+",
  fields: {
    topics: array(
      struct({
        name: string,
        count: int32,
        assignments: array(
          struct({
            brokerIds: array(int32),
          }),
        ).nullable(),
      }),
    ),
    timeoutMs: int32,
    validateOnly: bool,
  },
});
export type CreatePartitionsRequest = Infer<typeof createPartitionsRequest>;

export const createPartitionsResponse = message({
  apiKey: 37,
  name: "CreatePartitionsResponse",
  versions: "0-3",
  flexible: "2+",
  fields: {
    throttleTimeMs: int32,
    results: array(
      struct({
        name: string,
        errorCode: int16,
        errorMessage: string.nullable().default(null),
      }),
    ),
  },
});
export type CreatePartitionsResponse = Infer<typeof createPartitionsResponse>;
