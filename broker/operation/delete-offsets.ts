/**
 * OffsetDelete: a group forgets where it was. Partitions that do not exist are
 * refused here, as the coordinator knows groups and no topics.
 */
import type { Catalog } from "../catalog/catalog.ts";
import type { DeletedTopic } from "../group/offset-answers.ts";
import type { ManageGroups } from "./manage-groups.ts";

type DeleteOffsets = ManageGroups["deleteOffsets"];

export function createDeleteOffsets(
  catalog: Catalog,
  deleteOffsets: DeleteOffsets,
): DeleteOffsets {
  return async (context, request) => {
    const unknown: DeletedTopic[] = [];
    const known = request.topics.map(({ topic, partitions }) => {
      const { partitionCount = 0 } = catalog.topicByName(topic) ?? {};
      const exists = (partition: number) =>
        partition >= 0 && partition < partitionCount;
      const missing = partitions.filter((partition) => !exists(partition));
      unknown.push({ topic, partitions: missing.map(refused) });
      return { topic, partitions: partitions.filter(exists) };
    });
    const result = await deleteOffsets(context, { ...request, topics: known });
    if (result.error !== null || result.answer.error !== null) return result;
    const topics = result.answer.topics.map(({ topic, partitions }, index) => ({
      topic,
      partitions: [...partitions, ...(unknown[index]?.partitions ?? [])],
    }));
    return { error: null, answer: { error: null, topics } };
  };
}

function refused(partition: number) {
  return { partition, error: "unknown-topic-or-partition" as const };
}
