/**
 * FindCoordinator: v0-4
 *
 * v1   key type (0 group, 1 transaction); throttle time and error message
 * v3   flexible
 * v4   several keys in one request (KIP-699): `coordinatorKeys` takes the place
 *      of `key`
 */
import {
  array,
  int16,
  int32,
  int8,
  message,
  string,
  struct,
  type Infer,
} from "../../schema.ts";

export const findCoordinatorRequest = message({
  apiKey: 10,
  name: "FindCoordinatorRequest",
  versions: "0-4",
  flexible: "3+",
  fields: {
    key: string.versions("0-3"),
    keyType: int8.versions("1+").default(0),
    coordinatorKeys: array(string).versions("4+"),
  },
});
export type FindCoordinatorRequest = Infer<typeof findCoordinatorRequest>;

export const findCoordinatorResponse = message({
  apiKey: 10,
  name: "FindCoordinatorResponse",
  versions: "0-4",
  flexible: "3+",
  fields: {
    throttleTimeMs: int32.versions("1+"),
    errorCode: int16.versions("0-3"),
    errorMessage: string.versions("1-3").nullable(),
    nodeId: int32.versions("0-3"),
    host: string.versions("0-3"),
    port: int32.versions("0-3"),
    coordinators: array(
      struct({
        key: string,
        nodeId: int32,
        host: string,
        port: int32,
        errorCode: int16,
        errorMessage: string.nullable(),
      }),
    ).versions("4+"),
  },
});
export type FindCoordinatorResponse = Infer<typeof findCoordinatorResponse>;
