/** Groups from outside: their offsets, and what operators see and do. */
import type { GroupDescription } from "../../../operation/manage-groups.ts";
import {
  type OperationError,
  refuse,
} from "../../../operation/operation-error.ts";
import { errorOf } from "../errors.ts";
import { answered, inOrder } from "../handler.ts";
import { detailOf } from "./members.ts";

export const commit = inOrder<"commit">(
  async (operations, { context, request }) => {
    const { groupId, memberId, instanceId, generation, offsets } = request;
    // One topic for each partition keeps answers in the request's order.
    const results = await operations.commitOffsets(context, {
      groupId,
      memberId,
      instanceId,
      generation,
      retentionMs: null,
      topics: offsets.map(({ topic, ...rest }) => ({
        topic,
        partitions: [rest],
      })),
    });
    return answered({
      offsets: results.map(({ partitions }) => ({
        error: errorOf(partitions[0]?.error ?? null),
      })),
    });
  },
);

export const committed = inOrder<"committed">(
  async (operations, { context, request }) => {
    const { groupId, partitions } = request;
    const result = await operations.groups.fetchOffsets(context, {
      groupId,
      topics:
        partitions?.map(({ topic, partition }) => ({
          topic,
          partitions: [partition],
        })) ?? null,
    });
    if (result.error !== null) return refuse(result.error, detailOf(result));
    return answered({
      offsets: result.answer.topics.flatMap(({ topic, partitions: found }) =>
        found.flatMap(({ offset, ...rest }) =>
          offset === null ? [] : { topic, offset, ...rest },
        ),
      ),
    });
  },
);

export const listGroups = inOrder<"list-groups">(
  async (operations, { context, request }) => {
    const { states } = request;
    const result = await operations.groups.list(context, { states, types: [] });
    if (result.error !== null) return refuse(result.error, detailOf(result));
    return answered({ groups: result.answer });
  },
);

export const describeGroups = inOrder<"describe-groups">(
  async (operations, { context, request }) => {
    const groups = await Promise.all(
      request.groupIds.map(async (groupId) => {
        const result = await operations.groups.describe(context, { groupId });
        if (result.error !== null) return undescribed(groupId, result.error);
        const [group] = result.answer;
        return group === undefined
          ? undescribed(groupId, "unknown-server-error")
          : described(group);
      }),
    );
    return answered({ groups });
  },
);

function described(group: GroupDescription) {
  return { ...group, error: null };
}

function undescribed(groupId: string, error: OperationError) {
  return {
    groupId,
    error: errorOf(error),
    state: "",
    protocolType: "",
    protocol: "",
    members: [],
  };
}

export const deleteGroups = inOrder<"delete-groups">(
  async (operations, { context, request }) => {
    const groups = await Promise.all(
      request.groupIds.map(async (groupId) => {
        const result = await operations.groups.delete(context, { groupId });
        const error = result.error ?? result.answer?.[0]?.error ?? null;
        return { groupId, error: errorOf(error) };
      }),
    );
    return answered({ groups });
  },
);
