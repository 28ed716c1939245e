/**
 * The first request: versions are agreed, the peers introduce themselves.
 *
 * The client names the range it speaks, the broker answers with the highest
 * version both do. Hello itself has the same fields in every version, with new
 * ones only ever added at the end.
 */
import { bytes, int32, string, struct, uint16, uint32 } from "../schema.ts";

export const PROTOCOL_VERSION_MIN = 1;
export const PROTOCOL_VERSION_MAX = 1;

export const helloRequest = {
  versionMin: uint16,
  versionMax: uint16,
  clientId: string.nullable(),
  credentials: struct({ mechanism: string, secret: bytes }).nullable(),
};

export const helloAnswer = {
  version: uint16,
  clusterId: string,
  nodeId: int32,
  /** A longer frame closes the connection: it cannot be answered. Null: not told. */
  frameSizeBytesMax: uint32.nullable(),
};
