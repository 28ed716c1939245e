/**
 * OffsetFetch (9): one group up to version 7, several from version 8 on; null
 * topics ask for all that was committed. Nothing committed is offset -1.
 */
import type { FetchedTopic } from "../../../operation/manage-groups.ts";
import type { OperationError } from "../../../operation/operation-error.ts";
import { kafkaErrorCode } from "../error-codes.ts";
import { type Call, inOrder } from "../handler.ts";
import type { Operations } from "../../../operation/operations.ts";

const FIRST_VERSION_WITH_GROUPS = 8;

interface AskedGroup {
  readonly groupId: string;
  readonly topics:
    | readonly {
        readonly name: string;
        readonly partitionIndexes: readonly number[];
      }[]
    | null;
}

export const offsetFetch = inOrder<9>(async (operations, call) => {
  const { request, version } = call;
  if (version >= FIRST_VERSION_WITH_GROUPS) {
    const groups = await Promise.all(
      request.groups.map((group) => fetchGroup(operations, call, group)),
    );
    return { throttleTimeMs: 0, topics: [], groups };
  }
  const { topics, errorCode } = await fetchGroup(operations, call, request);
  return { throttleTimeMs: 0, topics, errorCode, groups: [] };
});

async function fetchGroup(
  operations: Operations,
  { context }: Call<9>,
  { groupId, topics }: AskedGroup,
) {
  const result = await operations.groups.fetchOffsets(context, {
    groupId,
    topics:
      topics?.map(({ name, partitionIndexes }) => ({
        topic: name,
        partitions: partitionIndexes,
      })) ?? null,
  });
  if (result.error !== null) return failed(groupId, topics, result.error);
  return {
    groupId,
    errorCode: 0,
    topics: result.answer.topics.map(topicResponse),
  };
}

function topicResponse({ topic, partitions }: FetchedTopic) {
  return {
    name: topic,
    partitions: partitions.map(
      ({ partition, offset, leaderEpoch, metadata }) => ({
        partitionIndex: partition,
        committedOffset: offset ?? -1,
        committedLeaderEpoch: leaderEpoch ?? -1,
        metadata,
        errorCode: 0,
      }),
    ),
  };
}

/** Said for the group and, for versions that have no such place, for each partition. */
function failed(
  groupId: string,
  topics: AskedGroup["topics"],
  error: OperationError,
) {
  const errorCode = kafkaErrorCode(error);
  return {
    groupId,
    errorCode,
    topics: (topics ?? []).map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => ({
        partitionIndex,
        committedOffset: -1,
        metadata: "",
        errorCode,
      })),
    })),
  };
}
