/**
 * OffsetFetch: v1-8
 *
 * v1   offsets come from `__consumer_offsets`
 * v2   `topics: null` asks for all; an error for the whole group
 * v3   throttle time
 * v5   leader epoch of the committed offset (KIP-320)
 * v6   flexible
 * v7   the client may ask for stable offsets only (KIP-447)
 * v8   several groups in one request (KIP-709): `groups` takes the place of
 *      `groupId` and `topics`
 *
 * An offset that was never committed is -1 with error 0.
 */
import {
  array,
  bool,
  int16,
  int32,
  int64,
  message,
  string,
  struct,
  type Infer,
} from "../../schema.ts";

export const offsetFetchRequest = message({
  apiKey: 9,
  name: "OffsetFetchRequest",
  versions: "1-8",
  flexible: "6+",
  fields: {
    groupId: string.versions("0-7"),
    topics: array(
      struct({
        name: string,
        partitionIndexes: array(int32),
      }),
    )
      .versions("0-7")
      .nullable("2-7"),
    groups: array(
      struct({
        groupId: string,
        topics: array(
          struct({
            name: string,
            partitionIndexes: array(int32),
          }),
        ).nullable(),
      }),
    ).versions("8+"),
    requireStable: bool.versions("7+").default(false),
  },
});
export type OffsetFetchRequest = Infer<typeof offsetFetchRequest>;

export const offsetFetchResponse = message({
  apiKey: 9,
  name: "OffsetFetchResponse",
  versions: "1-8",
  flexible: "6+",
  fields: {
    throttleTimeMs: int32.versions("3+"),
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            partitionIndex: int32,
            committedOffset: int64,
            committedLeaderEpoch: int32.versions("5-7").default(-1),
            metadata: string.nullable(),
            errorCode: int16,
          }),
        ),
      }),
    ).versions("0-7"),
    errorCode: int16.versions("2-7").default(0),
    groups: array(
      struct({
        groupId: string,
        topics: array(
          struct({
            name: string,
            partitions: array(
              struct({
                partitionIndex: int32,
                committedOffset: int64,
                committedLeaderEpoch: int32.default(-1),
                metadata: string.nullable(),
                errorCode: int16,
              }),
            ),
          }),
        ),
        errorCode: int16.default(0),
      }),
    ).versions("8+"),
  },
});
export type OffsetFetchResponse = Infer<typeof offsetFetchResponse>;
