/**
 * OffsetCommit: what a group has read up to. Every partition has an answer of
 * its own: those that do not exist are refused here, as the coordinator knows
 * groups and no topics; an error of the whole commit is said for all the rest.
 */
import type { Catalog } from "../catalog/catalog.ts";
import type {
  CommitOffsetsAnswer,
  CommitOffsetsRequest,
} from "../group/offset-answers.ts";
import type { MachineResult } from "../machine/machine.ts";
import type { RequestContext } from "./context.ts";
import type { OperationError } from "./operation-error.ts";

export interface CommitResult {
  readonly topic: string;
  readonly partitions: readonly {
    readonly partition: number;
    readonly error: OperationError | null;
  }[];
}

/** Answers in the order of the request. */
export type CommitOffsets = (
  context: RequestContext,
  request: CommitOffsetsRequest,
) => Promise<readonly CommitResult[]>;

export function createCommitOffsets(
  catalog: Catalog,
  commit: (
    context: RequestContext,
    request: CommitOffsetsRequest,
  ) => Promise<MachineResult<CommitOffsetsAnswer>>,
): CommitOffsets {
  const exists = (topic: string, partition: number): boolean => {
    const { partitionCount } = catalog.topicByName(topic) ?? {
      partitionCount: 0,
    };
    return partition >= 0 && partition < partitionCount;
  };
  return async (context, request) => {
    // Asked once: a topic that grows or goes during the commit must not shift
    // one partition's answer to another.
    const asked = request.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map((one) => ({
        ...one,
        isKnown: exists(topic, one.partition),
      })),
    }));
    const topics = asked.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.filter(({ isKnown }) => isKnown),
    }));
    const result = await commit(context, { ...request, topics });
    return asked.map(({ topic, partitions }, index) => ({
      topic,
      partitions: partitionErrors(partitions, index, result),
    }));
  };
}

function partitionErrors(
  partitions: readonly {
    readonly partition: number;
    readonly isKnown: boolean;
  }[],
  topicIndex: number,
  result: MachineResult<CommitOffsetsAnswer>,
) {
  const answer = result.error === null ? result.answer : result;
  const committed =
    answer.error === null ? answer.topics[topicIndex]?.partitions : undefined;
  let next = 0;
  return partitions.map(({ partition, isKnown }) => {
    if (!isKnown) {
      return { partition, error: "unknown-topic-or-partition" as const };
    }
    const error = answer.error ?? committed?.[next++]?.error ?? null;
    return { partition, error };
  });
}
