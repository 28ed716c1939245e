/** DescribeGroups (15): a group nobody knows is `Dead`, and no error, as in Kafka. */
import type { GroupDescription } from "../../../operation/manage-groups.ts";
import { authorizedOperations } from "../authorized-operations.ts";
import { kafkaErrorCode } from "../error-codes.ts";
import { inOrder } from "../handler.ts";

export const describeGroups = inOrder<15>(
  async (operations, { context, request }) => {
    const groups = await Promise.all(
      request.groups.map(async (groupId) => {
        const result = await operations.groups.describe(context, { groupId });
        const error = result.error;
        const described = error === null ? result.answer[0] : undefined;
        return described === undefined
          ? nothing(groupId, kafkaErrorCode(error ?? "unknown-server-error"))
          : {
              ...groupResponse(described),
              authorizedOperations: authorizedOperations(
                "group",
                request.includeAuthorizedOperations,
              ),
            };
      }),
    );
    return { throttleTimeMs: 0, groups };
  },
);

function groupResponse(group: GroupDescription) {
  return {
    errorCode: 0,
    groupId: group.groupId,
    groupState: group.state,
    protocolType: group.protocolType,
    protocolData: group.protocol,
    members: group.members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: member.metadata,
      memberAssignment: member.assignment,
    })),
  };
}

function nothing(groupId: string, errorCode: number) {
  return {
    errorCode,
    groupId,
    groupState: "",
    protocolType: "",
    protocolData: "",
    members: [],
  };
}
