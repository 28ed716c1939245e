/** LeaveGroup (13): one member up to version 2, several from version 3 on. */
import { kafkaErrorCode } from "../error-codes.ts";
import { inOrder } from "../handler.ts";
import { textOrNull } from "../kafka-values.ts";

const FIRST_VERSION_WITH_MEMBERS = 3;

export const leaveGroup = inOrder<13>(
  async (operations, { context, request, version }) => {
    const isBatch = version >= FIRST_VERSION_WITH_MEMBERS;
    const members = isBatch
      ? request.members
      : [{ memberId: request.memberId, groupInstanceId: null }];
    const result = await operations.groups.leave(context, {
      groupId: request.groupId,
      members: members.map(({ memberId, groupInstanceId }) => ({
        memberId: textOrNull(memberId),
        instanceId: groupInstanceId,
      })),
    });
    const answer = result.error === null ? result.answer : result;
    if (answer.error !== null) {
      const errorCode = kafkaErrorCode(answer.error);
      return { throttleTimeMs: 0, errorCode, members: [] };
    }
    const left = answer.members.map(({ memberId, instanceId, error }) => ({
      memberId: memberId ?? "",
      groupInstanceId: instanceId,
      errorCode: kafkaErrorCode(error),
    }));
    // The older form has one member, whose error is the request's.
    const errorCode = isBatch ? 0 : (left[0]?.errorCode ?? 0);
    return { throttleTimeMs: 0, errorCode, members: left };
  },
);
