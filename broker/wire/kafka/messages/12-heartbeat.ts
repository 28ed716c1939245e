/**
 * Heartbeat: v0-4
 *
 * v1   throttle time
 * v3   group instance id of static members (KIP-345)
 * v4   flexible
 */
import { int16, int32, message, string, type Infer } from "../../schema.ts";

export const heartbeatRequest = message({
  apiKey: 12,
  name: "HeartbeatRequest",
  versions: "0-4",
  flexible: "4+",
  fields: {
    groupId: string,
    generationId: int32,
    memberId: string,
    groupInstanceId: string.versions("3+").nullable().default(null),
  },
});
export type HeartbeatRequest = Infer<typeof heartbeatRequest>;

export const heartbeatResponse = message({
  apiKey: 12,
  name: "HeartbeatResponse",
  versions: "0-4",
  flexible: "4+",
  fields: {
    throttleTimeMs: int32.versions("1+"),
    errorCode: int16,
  },
});
export type HeartbeatResponse = Infer<typeof heartbeatResponse>;
