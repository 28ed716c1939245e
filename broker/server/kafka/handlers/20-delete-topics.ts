/** DeleteTopics (20): by name; from version 6 on by name or by id. */
import type { TopicReference } from "../../../operation/manage-topics.ts";
import { ZERO_UUID } from "../../../wire/schema.ts";
import type { RequestOf } from "../../../wire/kafka/apis.ts";
import { kafkaErrorCode, kafkaErrorMessage } from "../error-codes.ts";
import { inOrder } from "../handler.ts";

const FIRST_VERSION_WITH_IDS = 6;

export const deleteTopics = inOrder<20>(
  async (operations, { context, request, version }) => {
    const references = referencesOf(request, version);
    const result = await operations.topics.delete(context, references);
    const responses = references.map((reference, index) => {
      const answer = result.error === null ? result.answer[index] : result;
      const error =
        answer === undefined ? "unknown-server-error" : answer.error;
      const detail =
        answer === undefined || answer.error === null ? null : answer.detail;
      return {
        name: reference.name,
        topicId: reference.id ?? ZERO_UUID,
        errorCode: kafkaErrorCode(error),
        errorMessage: kafkaErrorMessage(detail),
      };
    });
    return { throttleTimeMs: 0, responses };
  },
);

function referencesOf(
  request: RequestOf<20>,
  version: number,
): readonly TopicReference[] {
  if (version < FIRST_VERSION_WITH_IDS) {
    return request.topicNames.map((name) => ({ name, id: null }));
  }
  return request.topics.map(({ name, topicId }) =>
    name === null ? { name, id: topicId } : { name, id: null },
  );
}
