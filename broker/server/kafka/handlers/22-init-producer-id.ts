/** InitProducerId (22). */
import { kafkaErrorCode } from "../error-codes.ts";
import { inOrder } from "../handler.ts";
import { orNull } from "../kafka-values.ts";

export const initProducerId = inOrder<22>(
  async (operations, { context, request }) => {
    const result = await operations.initProducer(context, {
      transactionalId: request.transactionalId,
      producerId: orNull(request.producerId),
      producerEpoch: orNull(request.producerEpoch),
    });
    if (result.error !== null) {
      const errorCode = kafkaErrorCode(result.error);
      return { throttleTimeMs: 0, errorCode, producerEpoch: -1 };
    }
    const { producerId, producerEpoch } = result;
    return { throttleTimeMs: 0, errorCode: 0, producerId, producerEpoch };
  },
);
