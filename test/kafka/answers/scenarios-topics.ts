/** CreateTopics, DeleteTopics, CreatePartitions, Metadata: all that is about which topics there are. */
import type { RequestBody } from "../../support/kafka-connection.ts";
import {
  type Asker,
  noId,
  type Scenario,
  unknownId,
  versionsOf,
} from "./asker.ts";

interface Wanted {
  readonly name: string;
  readonly partitions?: number;
  readonly replicas?: number;
  readonly assignments?: RequestBody<19>["topics"][number]["assignments"];
  readonly configs?: Readonly<Record<string, string | null>>;
}

function createBody(
  topics: readonly Wanted[],
  validateOnly = false,
): RequestBody<19> {
  return {
    topics: topics.map((topic) => ({
      name: topic.name,
      numPartitions: topic.partitions ?? 1,
      replicationFactor: topic.replicas ?? 1,
      assignments: topic.assignments ?? [],
      configs: Object.entries(topic.configs ?? {}).map(([name, value]) => ({
        name,
        value,
      })),
    })),
    timeoutMs: 10_000,
    validateOnly,
  };
}

const assigned = (...replicas: readonly (readonly number[])[]) =>
  replicas.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds }));

/** Each is refused, whatever else is asked. */
const badTopics: readonly (readonly [string, Wanted])[] = [
  ["a name with a blank", { name: "a b" }],
  ["an empty name", { name: "" }],
  ["the name .", { name: "." }],
  ["the name ..", { name: ".." }],
  ["a name of 250 letters", { name: "n".repeat(250) }],
  ["no partitions", { name: "bad", partitions: 0 }],
  ["-2 partitions", { name: "bad", partitions: -2 }],
  ["no replicas", { name: "bad", replicas: 0 }],
  ["two replicas", { name: "bad", replicas: 2 }],
  ["-2 replicas", { name: "bad", replicas: -2 }],
  ["an unknown config", { name: "bad", configs: { "no.such": "1" } }],
  ["a bad value", { name: "bad", configs: { "retention.ms": "soon" } }],
  ["a value too small", { name: "bad", configs: { "retention.ms": "-2" } }],
  ["a null value", { name: "bad", configs: { "retention.ms": null } }],
  ["a bad policy", { name: "bad", configs: { "cleanup.policy": "shred" } }],
  [
    "a bad compression",
    { name: "bad", configs: { "compression.type": "rar" } },
  ],
  ["a segment too small", { name: "bad", configs: { "segment.bytes": "10" } }],
  [
    "lags the wrong way round",
    {
      name: "bad",
      configs: { "min.compaction.lag.ms": "9", "max.compaction.lag.ms": "5" },
    },
  ],
  ["counts and assignments", { name: "bad", assignments: assigned([1]) }],
  [
    "an assignment to nobody",
    { name: "bad", partitions: -1, replicas: -1, assignments: assigned([7]) },
  ],
  [
    "an empty assignment",
    { name: "bad", partitions: -1, replicas: -1, assignments: assigned([]) },
  ],
  [
    "an assignment to one twice",
    {
      name: "bad",
      partitions: -1,
      replicas: -1,
      assignments: assigned([1, 1]),
    },
  ],
  [
    "assignments that leave one out",
    {
      name: "bad",
      partitions: -1,
      replicas: -1,
      assignments: [{ partitionIndex: 1, brokerIds: [1] }],
    },
  ],
];

const createTopics: Scenario = {
  name: "CreateTopics",
  run: async (asker) => {
    const ask = (
      question: string,
      topics: (version: number) => readonly Wanted[],
      validateOnly = false,
      first = 0,
    ) =>
      asker.askAll(
        question,
        19,
        (version) => createBody(topics(version), validateOnly),
        first,
      );
    const justValidated = true;
    await ask("only validated", () => [{ name: "try" }], justValidated);
    for (const [question, topic] of badTopics) {
      await ask(question, () => [topic]);
    }
    await ask("bad and only validated", () => [{ name: "a b" }], justValidated);
    await ask("one", (version) => [{ name: `new-${version}` }]);
    await ask("one that is there", (version) => [{ name: `new-${version}` }]);
    await ask(
      "one that is there, only validated",
      (version) => [{ name: `new-${version}` }],
      justValidated,
    );
    await ask("three, one bad", (version) => [
      { name: `good-${version}`, partitions: 3 },
      { name: "a b" },
      { name: `fine-${version}` },
    ]);
    await ask("one twice", (version) => [
      { name: `twice-${version}` },
      { name: `other-${version}` },
      { name: `twice-${version}` },
    ]);
    await ask("names that collide", (version) => [{ name: `a.b-${version}` }]);
    await ask("names that collide now", (version) => [
      { name: `a_b-${version}` },
    ]);
    await ask("configured", (version) => [
      {
        name: `configured-${version}`,
        configs: { "cleanup.policy": "compact,delete", "segment.ms": "60000" },
      },
    ]);
    const defaults = (version: number): Wanted => ({
      name: `defaults-${version}`,
      partitions: -1,
      replicas: -1,
    });
    await ask("defaults", (version) => [defaults(version)], false, 4);
    const placed = { assignments: assigned([1], [1]) };
    await ask("assigned", (version) => [
      { ...defaults(version), ...placed, name: `assigned-${version}` },
    ]);
    await ask("nothing", () => []);
    await ask(
      "the internal topic",
      () => [{ name: "__transaction_state" }],
      justValidated,
    );
  },
};

const deleteTopics: Scenario = {
  name: "DeleteTopics",
  run: async (asker) => {
    const names = versionsOf(20).map((version) => `gone-${version}`);
    await asker.topics(...names.map((name) => ({ name })));
    const ids = await asker.topics({ name: "by-id" }, { name: "both" });
    const body = (...topicNames: readonly string[]): RequestBody<20> => ({
      topicNames,
      topics: topicNames.map((name) => ({ name, topicId: noId })),
      timeoutMs: 10_000,
    });
    await asker.askAll("one", 20, (version) => body(`gone-${version}`));
    await asker.askAll("one that is gone", 20, (version) =>
      body(`gone-${version}`),
    );
    await asker.askAll("nothing", 20, () => body());
    await asker.askAll("no name at all", 20, () => body(""));
    await asker.askAll("an impossible name", 20, () => body("a b"));
    await asker.askAll("one twice", 20, () => body("both", "both"));
    const named = (name: string | null, topicId = noId) => ({
      topicNames: [],
      topics: [{ name, topicId }],
      timeoutMs: 10_000,
    });
    const [byId, both] = ids;
    await asker.ask("an unknown id", 20, 6, named(null, unknownId));
    await asker.ask("the zero id", 20, 6, named(null));
    await asker.ask("name and id", 20, 6, named("both", both));
    await asker.ask("by id", 20, 6, named(null, byId));
    await asker.ask("by id again", 20, 6, named(null, byId));
  },
};

const createPartitions: Scenario = {
  name: "CreatePartitions",
  run: async (asker) => {
    await asker.topics(
      ...versionsOf(37).map((version) => ({ name: `grow-${version}` })),
    );
    type Assignments = RequestBody<37>["topics"][number]["assignments"];
    const ask = (
      question: string,
      count: number,
      more: {
        names?: (version: number) => readonly string[];
        assignments?: Assignments;
        validateOnly?: boolean;
      } = {},
    ) =>
      asker.askAll(question, 37, (version) => ({
        topics: (more.names?.(version) ?? [`grow-${version}`]).map((name) => ({
          name,
          count,
          assignments: more.assignments ?? null,
        })),
        timeoutMs: 10_000,
        validateOnly: more.validateOnly ?? false,
      }));
    await ask("as many as there are", 1);
    await ask("none", 0);
    await ask("-1", -1);
    await ask("only validated", 4, { validateOnly: true });
    await ask("no topic", 2, { names: () => ["nowhere"] });
    await ask("nothing", 2, { names: () => [] });
    await ask("an assignment too few", 3, {
      assignments: [{ brokerIds: [1] }],
    });
    await ask("an assignment to nobody", 2, {
      assignments: [{ brokerIds: [9] }],
    });
    await ask("an empty assignment", 2, { assignments: [{ brokerIds: [] }] });
    await ask("assigned", 2, { assignments: [{ brokerIds: [1] }] });
    await ask("more", 4);
    await ask("fewer", 3);
    await ask("one twice", 6, {
      names: (version) => [`grow-${version}`, `grow-${version}`],
    });
    await ask("good and bad", 5, {
      names: (version) => [`grow-${version}`, "nowhere"],
    });
  },
};

const metadata: Scenario = {
  name: "Metadata",
  run: async (asker) => {
    const [id = noId] = await asker.topics({ name: "known", partitions: 3 });
    const body = (
      names: readonly string[] | null,
      more: Partial<RequestBody<3>> = {},
    ): RequestBody<3> => ({
      topics: names?.map((name) => ({ name, topicId: noId })) ?? null,
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
      ...more,
    });
    await asker.askAll("one", 3, () => body(["known"]));
    await asker.askAll("one twice", 3, () => body(["known", "known"]));
    await asker.askAll("none", 3, () => body([]), 1);
    await asker.askAll("one that is not", 3, () => body(["nowhere"]), 4);
    await asker.askAll("known and not", 3, () => body(["known", "nowhere"]), 4);
    await asker.askAll("an impossible name", 3, () => body(["a b"]));
    await asker.askAll("an empty name", 3, () => body([""]), 4);
    await asker.askAll(
      "what one may do",
      3,
      (version) =>
        body(["known"], {
          includeClusterAuthorizedOperations: version <= 10,
          includeTopicAuthorizedOperations: true,
        }),
      8,
    );
    const byId = (topicId: string, name: string | null = null) =>
      body(null, { topics: [{ name, topicId }] });
    await asker.askAll("by id", 3, () => byId(id), 10);
    await asker.askAll("an unknown id", 3, () => byId(unknownId), 12);
    await asker.askAll("the zero id", 3, () => byId(noId), 12);
    await asker.askAll("name and id", 3, () => byId(id, "known"), 12);
    await autoCreation(asker, body);
  },
};

/** The first answer tells that it is coming, the topic comes soon. */
async function autoCreation(
  asker: Asker,
  body: (
    names: readonly string[],
    more: Partial<RequestBody<3>>,
  ) => RequestBody<3>,
): Promise<void> {
  const create = { allowAutoTopicCreation: true };
  for (const version of versionsOf(3)) {
    const name = `created-${version}`;
    await asker.ask("created when asked for", 3, version, body([name], create));
    await asker.untilLed(name, 1);
    await asker.ask("afterwards", 3, version, body([name], create));
  }
  await asker.askAll("never created", 3, () => body(["a b"], create), 4);
}

export const topicScenarios: readonly Scenario[] = [
  createTopics,
  deleteTopics,
  createPartitions,
  metadata,
];
