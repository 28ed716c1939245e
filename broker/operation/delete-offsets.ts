/**
 * A group forgets where it was: by OffsetDelete, or as a topic goes. Partitions that do not exist are
 * refused here, as the coordinator knows groups and no topics.
 */
import type { Catalog } from "../catalog/catalog.ts";
import type { DeletedTopic } from "../group/offset-answers.ts";
import type { CoordinatorShard, ManageGroups } from "./manage-groups.ts";

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

/** Of a topic that is gone: each coordinator forgets as many as fit one decision at a time. */
export async function forgetTopicOffsets(
  shards: readonly CoordinatorShard[],
  topic: string,
): Promise<void> {
  for (const { coordinator, runtime } of shards) {
    for (;;) {
      const command = coordinator.deleteTopicOffsets([topic]);
      const result = await runtime.run(command);
      if (result.error !== null || result.answer === 0) break;
    }
  }
}

function refused(partition: number) {
  return { partition, error: "unknown-topic-or-partition" as const };
}
