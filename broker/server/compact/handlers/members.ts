/**
 * Membership of groups: join, sync, heartbeat, leave. What is kept of
 * `metadata` and `assignment` the coordinator copies: here they are views of
 * the received frame.
 */
import type { JoinAnswer } from "../../../operation/manage-groups.ts";
import { refuse } from "../../../operation/operation-error.ts";
import { errorOf } from "../errors.ts";
import { answered, inOrder } from "../handler.ts";

export const join = inOrder<"join">(
  async (operations, { context, request }) => {
    const result = await operations.groups.join(context, {
      ...request,
      clientId: context.clientId,
      clientHost: context.clientHost,
      requiresMemberId: true,
    });
    if (result.error !== null) return refuse(result.error, detailOf(result));
    return answered(joined(result.answer));
  },
);

function joined(answer: JoinAnswer) {
  if (answer.error !== null) {
    return {
      error: errorOf(answer.error),
      memberId: answer.memberId,
      generation: null,
      protocolType: null,
      protocol: null,
      leader: null,
      skipAssignment: false,
      members: [],
    };
  }
  return answer;
}

export const sync = inOrder<"sync">(
  async (operations, { context, request }) => {
    const result = await operations.groups.sync(context, request);
    if (result.error !== null) return refuse(result.error, detailOf(result));
    const { answer } = result;
    if (answer.error !== null) return refuse(answer.error);
    const { protocolType, protocol, assignment } = answer;
    return answered({ protocolType, protocol, assignment });
  },
);

export const heartbeat = inOrder<"heartbeat">(
  async (operations, { context, request }) => {
    const result = await operations.groups.heartbeat(context, request);
    if (result.error !== null) return refuse(result.error, detailOf(result));
    const { error } = result.answer;
    return error === null ? answered({}) : refuse(error);
  },
);

export const leave = inOrder<"leave">(
  async (operations, { context, request }) => {
    const result = await operations.groups.leave(context, request);
    if (result.error !== null) return refuse(result.error, detailOf(result));
    const { answer } = result;
    if (answer.error !== null) return refuse(answer.error);
    const members = answer.members.map(({ error }) => ({
      error: errorOf(error),
    }));
    return answered({ members });
  },
);

/** Some failures of a coordinator come with words, others say all in their name. */
export function detailOf(failure: object): string | null {
  return "detail" in failure && typeof failure.detail === "string"
    ? failure.detail
    : null;
}
