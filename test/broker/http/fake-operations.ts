/**
 * A broker made of a few tables, as far as HTTP asks one. What it is not asked
 * throws, so that a test sees a question nobody expected.
 */
import type { Operations } from "../../../broker/operation/operations.ts";
import type { RequestContext } from "../../../broker/operation/context.ts";

export interface FakeTopic {
  readonly name: string;
  /** First and next offset of each partition; null for one that cannot be read. */
  readonly partitions: readonly (readonly [number, number] | null)[];
  readonly configs?: Readonly<Record<string, string>>;
}

export interface FakeGroup {
  readonly name: string;
  readonly memberCount: number;
  /** Topic, partition and offset. */
  readonly commits: readonly (readonly [string, number, number | null])[];
}

export interface FakeBroker {
  readonly topics: readonly FakeTopic[];
  readonly groups: readonly FakeGroup[] | "loading";
}

export function fakeOperations(
  broker: FakeBroker,
  seen: RequestContext[] = [],
): Operations {
  const groups = broker.groups === "loading" ? [] : broker.groups;
  const loading = { error: "coordinator-loading" } as const;
  const groupOf = (groupId: string) =>
    groups.find(({ name }) => name === groupId);
  const described = (fake: FakeTopic) => ({
    error: null,
    topic: {
      id: "AAAAAAAAAAAAAAAAAAAAAA",
      name: fake.name,
      isInternal: fake.name.startsWith("__"),
      partitionCount: fake.partitions.length,
      overrides: new Map(Object.entries(fake.configs ?? {})),
      config: null,
      epochRuns: [],
    },
    leaderEpochs: fake.partitions.map(() => 3),
    offline: fake.partitions.flatMap((offsets, partition) =>
      offsets === null ? [{ partition, detail: "the disk is gone" }] : [],
    ),
  });
  const partial: Partial<Record<keyof Operations, unknown>> = {
    describeCluster: (context: RequestContext) => {
      seen.push(context);
      return {
        clusterId: "c",
        node: { nodeId: 5, host: "broker.local", port: 9092 },
      };
    },
    topics: {
      describe: async (
        _context: RequestContext,
        request: {
          topics: readonly { name: string }[] | null;
          mayCreate: boolean;
        },
      ) => {
        if (request.mayCreate) throw new Error("HTTP must not create");
        if (request.topics === null) return broker.topics.map(described);
        return request.topics.map(({ name }) => {
          const fake = broker.topics.find((one) => one.name === name);
          return fake === undefined
            ? { error: "unknown-topic-or-partition", detail: null }
            : described(fake);
        });
      },
    },
    listOffsets: {
      list: async (
        _context: RequestContext,
        request: {
          partitions: readonly {
            topic: string;
            partition: number;
            target: string;
          }[];
        },
      ) =>
        request.partitions.map(({ topic, partition, target }) => {
          const found = broker.topics.find(({ name }) => name === topic)
            ?.partitions[partition];
          if (found === undefined) {
            return { error: "unknown-topic-or-partition", detail: null };
          }
          if (found === null) {
            return { error: "storage-offline", detail: "the disk is gone" };
          }
          const offset = target === "earliest" ? found[0] : found[1];
          return { error: null, offset, timestampMs: null, leaderEpoch: 3 };
        }),
    },
    groups: {
      list: async () =>
        broker.groups === "loading"
          ? loading
          : {
              error: null,
              answer: groups.map(({ name }) => ({
                groupId: name,
                protocolType: "consumer",
                state: "Stable",
                type: "classic",
              })),
            },
      describe: async (
        _context: RequestContext,
        { groupId }: { groupId: string },
      ) => {
        if (broker.groups === "loading") return loading;
        const group = groupOf(groupId);
        return {
          error: null,
          answer: [
            {
              groupId,
              state: group === undefined ? "Dead" : "Stable",
              protocolType: "consumer",
              protocol: "range",
              members: Array.from(
                { length: group?.memberCount ?? 0 },
                (_, index) => ({
                  memberId: `m${index}`,
                  instanceId: null,
                  clientId: "client",
                  clientHost: "127.0.0.1",
                  metadata: new Uint8Array(3),
                  assignment: new Uint8Array(3),
                }),
              ),
            },
          ],
        };
      },
      fetchOffsets: async (
        _context: RequestContext,
        { groupId }: { groupId: string },
      ) => {
        if (broker.groups === "loading") return loading;
        const commits = groupOf(groupId)?.commits ?? [];
        const topics = commits.map(([topic, partition, offset]) => ({
          topic,
          partitions: [{ partition, offset, leaderEpoch: 0, metadata: "" }],
        }));
        return { error: null, answer: { error: null, topics } };
      },
    },
  };
  return new Proxy(partial, {
    get: (target, name) => {
      const found = Reflect.get(target, name);
      if (found === undefined)
        throw new Error(`not asked for: ${String(name)}`);
      return found;
    },
  }) as Operations;
}
