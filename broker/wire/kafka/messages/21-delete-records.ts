/**
 * DeleteRecords: v0-2
 *
 * v2   flexible
 *
 * Offset -1 deletes up to the high watermark.
 */
import {
  array,
  int16,
  int32,
  int64,
  message,
  string,
  struct,
  type Infer,
} from "../../schema.ts";

export const deleteRecordsRequest = message({
  apiKey: 21,
  name: "DeleteRecordsRequest",
  versions: "0-2",
  flexible: "2+",
  fields: {
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            partitionIndex: int32,
            offset: int64,
          }),
        ),
      }),
    ),
    timeoutMs: int32,
  },
});
export type DeleteRecordsRequest = Infer<typeof deleteRecordsRequest>;

export const deleteRecordsResponse = message({
  apiKey: 21,
  name: "DeleteRecordsResponse",
  versions: "0-2",
  flexible: "2+",
  fields: {
    throttleTimeMs: int32,
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            partitionIndex: int32,
            lowWatermark: int64,
            errorCode: int16,
          }),
        ),
      }),
    ),
  },
});
export type DeleteRecordsResponse = Infer<typeof deleteRecordsResponse>;
