/**
 * JoinGroup (11): the answer comes when all members have joined.
 *
 * From version 4 on a new member is first told its id (KIP-394), from version
 * 9 on the leader may be told to skip the assignment (KIP-814).
 */
import type { JoinAnswer } from "../../../operation/manage-groups.ts";
import { kafkaErrorCode } from "../error-codes.ts";
import { inOrder } from "../handler.ts";
import { orNull, textOrNull } from "../kafka-values.ts";
import type { ResponseOf } from "../../../wire/kafka/apis.ts";
import type { OperationError } from "../../../operation/operation-error.ts";

const FIRST_VERSION_WITH_REQUIRED_ID = 4;
const FIRST_VERSION_WITH_SKIP = 9;
/** Before version 7 "no protocol" can only be said as an empty text. */
const FIRST_VERSION_WITH_NULL_PROTOCOL = 7;

export const joinGroup = inOrder<11>(
  async (operations, { context, request, version }) => {
    const result = await operations.groups.join(context, {
      groupId: request.groupId,
      memberId: textOrNull(request.memberId),
      instanceId: request.groupInstanceId,
      clientId: context.clientId,
      clientHost: context.clientHost,
      sessionTimeoutMs: request.sessionTimeoutMs,
      rebalanceTimeoutMs: orNull(request.rebalanceTimeoutMs),
      protocolType: request.protocolType,
      protocols: request.protocols,
      requiresMemberId: version >= FIRST_VERSION_WITH_REQUIRED_ID,
      canSkipAssignment: version >= FIRST_VERSION_WITH_SKIP,
    });
    const noProtocol = version < FIRST_VERSION_WITH_NULL_PROTOCOL ? "" : null;
    if (result.error !== null) {
      return refused(result.error, request.memberId, noProtocol);
    }
    const { answer } = result;
    return answer.error === null
      ? joined(answer)
      : refused(answer.error, answer.memberId ?? "", noProtocol);
  },
);

function joined(answer: Extract<JoinAnswer, { error: null }>): ResponseOf<11> {
  return {
    throttleTimeMs: 0,
    errorCode: 0,
    generationId: answer.generation,
    protocolType: answer.protocolType,
    protocolName: answer.protocol,
    leader: answer.leader,
    skipAssignment: answer.skipAssignment,
    memberId: answer.memberId,
    members: answer.members.map(({ memberId, instanceId, metadata }) => ({
      memberId,
      groupInstanceId: instanceId,
      metadata,
    })),
  };
}

function refused(
  error: OperationError,
  memberId: string,
  noProtocol: string | null,
): ResponseOf<11> {
  return {
    throttleTimeMs: 0,
    errorCode: kafkaErrorCode(error),
    protocolName: noProtocol,
    leader: "",
    memberId,
    members: [],
  };
}
