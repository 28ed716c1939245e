/**
 * InitProducerId: v0-4
 *
 * v2   flexible
 * v3   producer id and epoch to go on with after a fencing (KIP-360)
 * v4   the client understands PRODUCER_FENCED (KIP-588)
 */
import {
  int16,
  int32,
  int64,
  message,
  string,
  type Infer,
} from "../../schema.ts";

export const initProducerIdRequest = message({
  apiKey: 22,
  name: "InitProducerIdRequest",
  versions: "0-4",
  flexible: "2+",
  fields: {
    transactionalId: string.nullable(),
    transactionTimeoutMs: int32,
    producerId: int64.versions("3+").default(-1),
    producerEpoch: int16.versions("3+").default(-1),
  },
});
export type InitProducerIdRequest = Infer<typeof initProducerIdRequest>;

export const initProducerIdResponse = message({
  apiKey: 22,
  name: "InitProducerIdResponse",
  versions: "0-4",
  flexible: "2+",
  fields: {
    throttleTimeMs: int32,
    errorCode: int16,
    producerId: int64.default(-1),
    producerEpoch: int16,
  },
});
export type InitProducerIdResponse = Infer<typeof initProducerIdResponse>;
