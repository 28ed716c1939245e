/** DeleteTopics (20): by name; from version 6 on by name or by id. */
import type { Refusal } from "../../../operation/operation-error.ts";
import type { TopicReference } from "../../../operation/manage-topics.ts";
import { ZERO_UUID } from "../../../wire/schema.ts";
import type { RequestOf } from "../../../wire/kafka/apis.ts";
import { kafkaErrorCode, kafkaErrorMessage } from "../error-codes.ts";
import { inOrder } from "../handler.ts";

const FIRST_VERSION_WITH_IDS = 6;

/** A topic as the request has it; the zero id is none. */
interface Named {
  readonly name: string | null;
  readonly topicId: string;
}

export const deleteTopics = inOrder<20>(
  async (operations, { context, request, version }) => {
    const named = namedIn(request, version);
    const references = named.map(referenceOf);
    const result = await operations.topics.delete(
      context,
      references.filter((reference) => reference !== null),
    );
    let next = 0;
    const responses = named.map((topic, index) => {
      if (references[index] === null) return refused(topic, unclear);
      const answer = result.error === null ? result.answer[next++] : result;
      if (answer === undefined) {
        return refused(topic, { error: "unknown-server-error", detail: null });
      }
      if (answer.error !== null) return refused(topic, answer);
      const { name, id } = answer;
      return { name, topicId: id, errorCode: 0, errorMessage: null };
    });
    return { throttleTimeMs: 0, responses };
  },
);

const unclear: Refusal = {
  error: "invalid-request",
  detail: "a topic is named either by its name or by its id",
};

function refused(topic: Named, { error, detail }: Refusal) {
  return {
    ...topic,
    errorCode: kafkaErrorCode(error),
    errorMessage: kafkaErrorMessage(detail),
  };
}

function namedIn(request: RequestOf<20>, version: number): readonly Named[] {
  return version < FIRST_VERSION_WITH_IDS
    ? request.topicNames.map((name) => ({ name, topicId: ZERO_UUID }))
    : request.topics;
}

/** Null where both are given, or neither. */
function referenceOf({ name, topicId }: Named): TopicReference | null {
  if ((name === null) === (topicId === ZERO_UUID)) return null;
  return name === null ? { name, id: topicId } : { name, id: null };
}
