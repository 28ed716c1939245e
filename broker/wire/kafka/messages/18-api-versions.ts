/**
 * ApiVersions: v0-4
 *
 * v1   throttle time
 * v3   flexible; name and version of the client (KIP-511), features (KIP-584)
 * v4   a supported feature may have 0 as its least version (KAFKA-17011)
 *
 * The header of the *answer* is v0 in every version: a client that asks before
 * it knows the broker must be able to read it. A version we do not know is
 * answered in v0 with error 35 and our own range.
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

export const apiVersionsRequest = message({
  apiKey: 18,
  name: "ApiVersionsRequest",
  versions: "0-4",
  flexible: "3+",
  fields: {
    clientSoftwareName: string.versions("3+"),
    clientSoftwareVersion: string.versions("3+"),
  },
});
export type ApiVersionsRequest = Infer<typeof apiVersionsRequest>;

export const apiVersionsResponse = message({
  apiKey: 18,
  name: "ApiVersionsResponse",
  versions: "0-4",
  flexible: "3+",
  fields: {
    errorCode: int16,
    apiKeys: array(
      struct({
        apiKey: int16,
        minVersion: int16,
        maxVersion: int16,
      }),
    ),
    throttleTimeMs: int32.versions("1+"),
    supportedFeatures: array(
      struct({
        name: string,
        minVersion: int16,
        maxVersion: int16,
      }),
    )
      .versions("3+")
      .tagged(0, "3+"),
    finalizedFeaturesEpoch: int64.versions("3+").default(-1).tagged(1, "3+"),
    finalizedFeatures: array(
      struct({
        name: string,
        maxVersionLevel: int16,
        minVersionLevel: int16,
      }),
    )
      .versions("3+")
      .tagged(2, "3+"),
    zkMigrationReady: bool.versions("3+").default(false).tagged(3, "3+"),
  },
});
export type ApiVersionsResponse = Infer<typeof apiVersionsResponse>;
