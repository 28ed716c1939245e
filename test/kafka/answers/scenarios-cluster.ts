/** Offsets of groups, coordinators, producer ids, and what a broker says of itself. */
import {
  requestBytes,
  type RequestBody,
} from "../../support/kafka-connection.ts";
import { type Asker, batchOf, type Scenario, versionsOf } from "./asker.ts";
import { oddMetadata, untilGroupsWork } from "./scenarios-groups.ts";

interface Commit {
  readonly topic?: string;
  readonly partition?: number;
  readonly offset?: number;
  readonly metadata?: string | null;
  readonly member?: string;
  readonly generation?: number;
  readonly epoch?: number;
}

function commitBody(
  groupId: string,
  commits: readonly Commit[],
): RequestBody<8> {
  return {
    groupId,
    generationIdOrMemberEpoch: commits[0]?.generation ?? -1,
    memberId: commits[0]?.member ?? "",
    topics: commits.map((one) => ({
      name: one.topic ?? "committed",
      partitions: [
        {
          partitionIndex: one.partition ?? 0,
          committedOffset: one.offset ?? 3,
          committedLeaderEpoch: one.epoch ?? -1,
          committedMetadata: one.metadata === undefined ? "" : one.metadata,
        },
      ],
    })),
  };
}

function fetchBody(
  groupId: string,
  topics: Readonly<Record<string, readonly number[]>> | null,
): RequestBody<9> {
  const asked =
    topics === null
      ? null
      : Object.entries(topics).map(([name, partitionIndexes]) => ({
          name,
          partitionIndexes,
        }));
  return { groupId, topics: asked, groups: [{ groupId, topics: asked }] };
}

const offsets: Scenario = {
  name: "OffsetCommit, OffsetFetch, OffsetDelete",
  run: async (asker) => {
    await asker.topics({ name: "committed", partitions: 3 }, { name: "other" });
    await untilGroupsWork(asker);
    const commit = (
      question: string,
      group: string,
      ...commits: readonly Commit[]
    ) => asker.askAll(question, 8, () => commitBody(group, commits));
    await commit("by nobody", "simple", {});
    await commit("with metadata", "simple", {
      partition: 1,
      metadata: "half way",
    });
    await commit("null metadata", "simple", { partition: 2, metadata: null });
    await commit("with an epoch", "epochs", { epoch: 0 });
    await commit("metadata too long", "simple", {
      metadata: "m".repeat(4_097),
    });
    await commit("offset -1", "minus", { offset: -1 });
    await commit("offset -5", "minus", { offset: -5 });
    await commit("beyond the end", "far", { offset: 1e12 });
    await commit("no topic", "simple", { topic: "nowhere" });
    await commit("no partition", "simple", { partition: 9 });
    await commit("partition -1", "simple", { partition: -1 });
    await commit("an empty group", "", {});
    await commit("a member of no group", "memberless", {
      member: "x",
      generation: 1,
    });
    await commit("a stranger in an empty group", "simple", {
      member: "x",
      generation: 1,
    });
    await commit("a generation without a member", "simple", { generation: 4 });
    await commit(
      "good and bad",
      "simple",
      {},
      { topic: "nowhere" },
      { topic: "other" },
    );
    await commit("nothing", "simple");
    const fetch = (
      question: string,
      group: string,
      topics: Readonly<Record<string, readonly number[]>> | null,
      first = 0,
    ) => asker.askAll(question, 9, () => fetchBody(group, topics), first);
    await fetch("what was committed", "simple", {
      read: [0, 1, 2],
      other: [0],
    });
    await fetch("with its epoch", "epochs", { committed: [0] });
    await fetch("all of it", "simple", null, 2);
    await fetch("nothing of it", "simple", {});
    await fetch("never committed", "simple", {
      committed: [2, 9],
      nowhere: [0],
    });
    await fetch("no group", "no-such", { committed: [0] });
    await fetch("all of no group", "no-such", null, 2);
    await fetch("an empty group", "", { committed: [0] });
    await fetch("odd offsets", "minus", null, 2);
    await fetch("a far offset", "far", null, 2);
    await asker.ask("several groups", 9, 8, {
      ...fetchBody("", {}),
      groups: [
        { groupId: "simple", topics: null },
        { groupId: "no-such", topics: null },
        {
          groupId: "epochs",
          topics: [{ name: "committed", partitionIndexes: [0] }],
        },
      ],
    });
    await asker.ask("no groups", 9, 8, { ...fetchBody("", {}), groups: [] });
    await deletions(asker);
  },
};

async function deletions(asker: Asker): Promise<void> {
  const ask = (
    question: string,
    groupId: string,
    topics: Readonly<Record<string, readonly number[]>>,
  ) =>
    asker.ask(question, 47, 0, {
      groupId,
      topics: Object.entries(topics).map(([name, partitions]) => ({
        name,
        partitions: partitions.map((partitionIndex) => ({ partitionIndex })),
      })),
    });
  await ask("offsets of no group", "no-such", { committed: [0] });
  await ask("offsets of an empty group id", "", { committed: [0] });
  await ask("offsets", "simple", { committed: [0, 9], nowhere: [0] });
  await ask("offsets that are gone", "simple", { committed: [0] });
  await ask("no offsets", "simple", {});
  await asker.ask("what is left", 9, 8, fetchBody("simple", null));
}

const coordinators: Scenario = {
  name: "FindCoordinator",
  run: async (asker) => {
    await untilGroupsWork(asker);
    const ask = (
      question: string,
      keys: readonly string[],
      keyType: number,
      first = 0,
    ) =>
      asker.askAll(
        question,
        10,
        () => ({ key: keys[0] ?? "", keyType, coordinatorKeys: keys }),
        first,
      );
    await ask("of a group", ["g"], 0);
    await ask("of an empty group id", [""], 0);
    await ask("of a key type that is not", ["g"], 9, 1);
    await ask("of two groups", ["g", "h"], 0, 4);
    await ask("of none", [], 0, 4);
    await ask("of an impossible transaction", [""], 1, 1);
    await ask("of a transaction", ["t"], 1, 1);
  },
};

const producerIds: Scenario = {
  name: "InitProducerId",
  run: async (asker) => {
    const ask = (question: string, body: Partial<RequestBody<22>>, first = 0) =>
      asker.askAll(
        question,
        22,
        () => ({ transactionalId: null, transactionTimeoutMs: 0, ...body }),
        first,
      );
    await asker.untilReady(
      () =>
        asker.quietly(22, 0, {
          transactionalId: null,
          transactionTimeoutMs: 0,
        }),
      ({ errorCode }) => errorCode,
    );
    await ask("a new one", {});
    await ask("with a time-out", { transactionTimeoutMs: 60_000 });
    await ask("an empty transactional id", { transactionalId: "" });
    await ask("an id without its epoch", { producerId: 5 }, 3);
    await ask("an epoch without its id", { producerEpoch: 5 }, 3);
    await ask("an id and an epoch", { producerId: 5, producerEpoch: 2 }, 3);
  },
};

const cluster: Scenario = {
  name: "ApiVersions, DescribeCluster",
  run: async (asker) => {
    const named = { clientSoftwareName: "test", clientSoftwareVersion: "1.0" };
    await asker.askAll("api versions", 18, () => named);
    await asker.askAll(
      "an impossible name",
      18,
      () => ({ ...named, clientSoftwareName: "a b" }),
      3,
    );
    await asker.askAll(
      "an empty version",
      18,
      () => ({ ...named, clientSoftwareVersion: "" }),
      3,
    );
    for (const version of [5, 99, 32_767]) {
      // With the header of versions that are flexible.
      const bytes = Buffer.from(requestBytes(18, 3, named));
      bytes.writeInt16BE(version, 6);
      const answer = await asker.raw(bytes);
      asker.note(`v${version}: unsupported`, answer?.subarray(4, 6) ?? null);
    }
    const describe = (
      question: string,
      endpointType: number,
      isOperations: boolean,
      first = 0,
    ) =>
      asker.askAll(
        question,
        60,
        () => ({
          includeClusterAuthorizedOperations: isOperations,
          endpointType,
        }),
        first,
      );
    await describe("the cluster", 1, false);
    await describe("what one may do", 1, true);
    await describe("the controllers", 2, false, 1);
    await describe("endpoints that are not", 9, false, 1);
    await refusedFrames(asker);
  },
};

/** What no version says ends the connection, and only that. */
async function refusedFrames(asker: Asker): Promise<void> {
  const frame = (key: number, version: number) => {
    const bytes = Buffer.from(
      requestBytes(60, 0, { includeClusterAuthorizedOperations: false }),
    );
    bytes.writeInt16BE(key, 4);
    bytes.writeInt16BE(version, 6);
    return bytes;
  };
  asker.note("an API that is not", await asker.raw(frame(999, 0)));
  asker.note("a version that is not", await asker.raw(frame(60, 99)));
  asker.note("version -1", await asker.raw(frame(60, -1)));
  for (const version of [0, 1, 2]) {
    const bytes = Buffer.from(
      requestBytes(0, 3, {
        transactionalId: null,
        acks: 1,
        timeoutMs: 1_000,
        topicData: [
          { name: "x", partitionData: [{ index: 0, records: batchOf(["a"]) }] },
        ],
      }),
    );
    bytes.writeInt16BE(version, 6);
    asker.note(`produce in v${version}`, await asker.raw(bytes));
  }
  asker.note("versions of DescribeCluster", versionsOf(60));
}

export const clusterScenarios: readonly Scenario[] = [
  offsets,
  coordinators,
  producerIds,
  cluster,
  oddMetadata,
];
