/** DeleteTopics: by name or by id, each on its own, one decision for all. */
import type { Decision } from "../machine/machine.ts";
import { refuse, repeated, type TopicAnswer } from "./catalog-answers.ts";
import type { CatalogRecord } from "./catalog-codec.ts";
import type { CatalogState } from "./catalog-state.ts";

export type TopicReference =
  | { readonly name: string; readonly id: null }
  | { readonly name: null; readonly id: string };

/** One answer for each reference, in their order. */
export type DeleteTopicsAnswer = readonly TopicAnswer[];

export function decideDeleteTopics(
  state: CatalogState,
  references: readonly TopicReference[],
): Decision<DeleteTopicsAnswer, CatalogRecord> {
  const topics = references.map(({ id, name }) =>
    name === null ? state.topicById(id) : state.topicByName(name),
  );
  const twice = repeated(topics.flatMap((topic) => topic?.id ?? []));
  const records: CatalogRecord[] = [];
  const answers = references.map((reference, index): TopicAnswer => {
    const topic = topics[index] ?? null;
    if (topic === null) {
      return reference.name === null
        ? refuse(
            "unknown-topic-id",
            `there is no topic with id ${reference.id}`,
          )
        : refuse(
            "unknown-topic-or-partition",
            `there is no topic '${reference.name}'`,
          );
    }
    if (topic.isInternal) {
      // Kafka allows it; here the groups' own history would go with it.
      return refuse("invalid-request", `${topic.name} belongs to the broker`);
    }
    if (twice.has(topic.id)) {
      return refuse("invalid-request", `topic ${topic.name} is named twice`);
    }
    records.push({ type: "remove-topic", topicId: topic.id });
    const { id, name, partitionCount, overrides } = topic;
    return { error: null, id, name, partitionCount, overrides };
  });
  return { records, answer: answers, releases: [] };
}
