/**
 * OffsetDelete: v0 (KIP-496)
 *
 * Never became flexible.
 */
import {
  array,
  int16,
  int32,
  message,
  string,
  struct,
  type Infer,
} from "../../schema.ts";

export const offsetDeleteRequest = message({
  apiKey: 47,
  name: "OffsetDeleteRequest",
  versions: "0",
  flexible: "none",
  fields: {
    groupId: string,
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            partitionIndex: int32,
          }),
        ),
      }),
    ),
  },
});
export type OffsetDeleteRequest = Infer<typeof offsetDeleteRequest>;

export const offsetDeleteResponse = message({
  apiKey: 47,
  name: "OffsetDeleteResponse",
  versions: "0",
  flexible: "none",
  fields: {
    errorCode: int16,
    throttleTimeMs: int32,
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            partitionIndex: int32,
            errorCode: int16,
          }),
        ),
      }),
    ),
  },
});
export type OffsetDeleteResponse = Infer<typeof offsetDeleteResponse>;
