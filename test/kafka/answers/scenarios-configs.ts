/** DescribeConfigs, AlterConfigs, IncrementalAlterConfigs. */
import type { RequestBody } from "../../support/kafka-connection.ts";
import { type Asker, type Scenario, versionsOf } from "./asker.ts";

const TOPIC = 2;
const BROKER = 4;
/** A topic whose changes tell how far a broker is. */
const MARKED = "marked";
/** COORDINATOR_NOT_AVAILABLE, which means: ask again. */
const NOT_YET = 15;

function describeBody(
  resourceName: string,
  more: {
    readonly type?: number;
    readonly keys?: readonly string[] | null;
    readonly synonyms?: boolean;
    readonly documentation?: boolean;
  } = {},
): RequestBody<32> {
  return {
    resources: [
      {
        resourceType: more.type ?? TOPIC,
        resourceName,
        configurationKeys: more.keys ?? null,
      },
    ],
    includeSynonyms: more.synonyms ?? false,
    includeDocumentation: more.documentation ?? false,
  };
}

const describeConfigs: Scenario = {
  name: "DescribeConfigs",
  run: async (asker) => {
    await asker.topics(
      {
        name: "described",
        configs: { "cleanup.policy": "compact", "segment.bytes": "2000000" },
      },
      { name: "bare", isBare: true },
    );
    const ask = (
      question: string,
      name: string,
      more: Parameters<typeof describeBody>[1] = {},
    ) => asker.askAll(question, 32, () => describeBody(name, more));
    await ask("all of a topic", "described");
    await ask("with synonyms", "described", { synonyms: true });
    await ask("nothing set, with synonyms", "bare", { synonyms: true });
    await ask("with documentation", "described", { documentation: true });
    await ask("two keys", "described", {
      keys: ["cleanup.policy", "retention.ms", "no.such"],
    });
    await ask("no keys", "described", { keys: [] });
    await ask("no topic", "nowhere");
    await ask("an impossible topic", "a b");
    await ask("an unknown kind", "described", { type: 77 });
    await ask("a broker that is not", "9", { type: BROKER });
    await ask("a broker without a number", "x", { type: BROKER });
    await ask("one key of the broker", "1", {
      type: BROKER,
      keys: ["log.retention.hours", "num.partitions"],
    });
    await asker.askAll("one topic twice", 32, () => {
      const body = describeBody("described", { keys: ["retention.ms"] });
      return { ...body, resources: [...body.resources, ...body.resources] };
    });
    await asker.askAll("nothing", 32, () => ({
      ...describeBody("described"),
      resources: [],
    }));
  },
};

const alterConfigs: Scenario = {
  name: "AlterConfigs",
  run: async (asker) => {
    const ask = (
      question: string,
      configs: Readonly<Record<string, string | null>>,
      more: { name?: string; type?: number; validateOnly?: boolean } = {},
    ) =>
      eachWithState(asker, question, 33, (version) => ({
        resources: [
          {
            resourceType: more.type ?? TOPIC,
            resourceName: more.name ?? `altered-${version}`,
            configs: Object.entries(configs).map(([name, value]) => ({
              name,
              value,
            })),
          },
        ],
        validateOnly: more.validateOnly ?? false,
      }));
    await asker.topics(
      { name: MARKED },
      ...versionsOf(33).map((version) => ({ name: `altered-${version}` })),
    );
    await ask("only validated", { "segment.ms": "9" }, { validateOnly: true });
    await ask("set", { "segment.ms": "60000", "retention.ms": "-1" });
    await ask("set others", { "max.message.bytes": "5000" });
    await ask("a bad value", { "segment.ms": "soon" });
    await ask("an unknown name", { "no.such": "1" });
    await ask("null", { "segment.ms": null });
    await ask("no topic", { "segment.ms": "9" }, { name: "nowhere" });
    await ask("an unknown kind", {}, { type: 77 });
    await ask("nothing", {});
    await twice(asker);
  },
};

const SET = 0;
const DELETE = 1;
const APPEND = 2;
const SUBTRACT = 3;

const incrementalAlterConfigs: Scenario = {
  name: "IncrementalAlterConfigs",
  run: async (asker) => {
    type Step = readonly [
      operation: number,
      name: string,
      value?: string | null,
    ];
    const ask = (
      question: string,
      steps: readonly Step[],
      more: { name?: string; type?: number; validateOnly?: boolean } = {},
    ) =>
      eachWithState(asker, question, 44, (version) => ({
        resources: [
          {
            resourceType: more.type ?? TOPIC,
            resourceName: more.name ?? `stepped-${version}`,
            configs: steps.map(([configOperation, name, value = null]) => ({
              name,
              configOperation,
              value,
            })),
          },
        ],
        validateOnly: more.validateOnly ?? false,
      }));
    await asker.topics(
      { name: MARKED },
      ...versionsOf(44).map((version) => ({ name: `stepped-${version}` })),
    );
    await ask("only validated", [[SET, "segment.ms", "9"]], {
      validateOnly: true,
    });
    await ask("set", [[SET, "segment.ms", "60000"]]);
    await ask("set another", [[SET, "max.message.bytes", "5000"]]);
    await ask("append", [[APPEND, "cleanup.policy", "compact"]]);
    await ask("append again", [[APPEND, "cleanup.policy", "compact"]]);
    await ask("subtract", [[SUBTRACT, "cleanup.policy", "delete"]]);
    await ask("subtract what is not in it", [
      [SUBTRACT, "cleanup.policy", "delete"],
    ]);
    await ask("subtract the last", [[SUBTRACT, "cleanup.policy", "compact"]]);
    await ask("append what does not exist", [
      [APPEND, "cleanup.policy", "shred"],
    ]);
    await ask("append to no list", [[APPEND, "segment.ms", "1"]]);
    await ask("subtract from no list", [[SUBTRACT, "segment.ms", "1"]]);
    await ask("append two", [[APPEND, "cleanup.policy", "compact,delete"]]);
    await ask("one name twice", [
      [SET, "segment.ms", "1"],
      [SET, "segment.ms", "2"],
    ]);
    await ask("set and delete one name", [
      [SET, "segment.ms", "1"],
      [DELETE, "segment.ms"],
    ]);
    await ask("an operation that is not", [[9, "segment.ms", "1"]]);
    await ask("set to null", [[SET, "segment.ms", null]]);
    await ask("append null", [[APPEND, "cleanup.policy", null]]);
    await ask("set an unknown name", [[SET, "no.such", "1"]]);
    await ask("delete an unknown name", [[DELETE, "no.such"]]);
    await ask("set a bad value", [[SET, "segment.ms", "soon"]]);
    await ask("set and a bad value", [
      [SET, "segment.ms", "7"],
      [SET, "retention.ms", "soon"],
    ]);
    await ask("delete", [[DELETE, "segment.ms"]]);
    await ask("delete what is not set", [[DELETE, "segment.ms"]]);
    await ask("no topic", [[SET, "segment.ms", "9"]], { name: "nowhere" });
    await ask("an unknown kind", [[SET, "segment.ms", "9"]], { type: 77 });
    await ask("nothing", []);
    await stepTwice(asker);
  },
};

/** One topic named twice in one request: in one version, as Kafka lets the question wait. */
async function twice(asker: Asker): Promise<void> {
  await asker.ask("one topic twice", 33, 2, {
    resources: ["5000", "6000"].map((value) => ({
      resourceType: TOPIC,
      resourceName: "altered-2",
      configs: [{ name: "segment.ms", value }],
    })),
    validateOnly: false,
  });
}

async function stepTwice(asker: Asker): Promise<void> {
  const resource = (resourceName: string, value: string) => ({
    resourceType: TOPIC,
    resourceName,
    configs: [{ name: "segment.ms", configOperation: SET, value }],
  });
  await eachWithState(asker, "one topic twice", 44, (version) => ({
    resources: ["5000", "6000"].map((value) =>
      resource(`stepped-${version}`, value),
    ),
    validateOnly: false,
  }));
}

/** Asks in each version, and what the topic has set afterwards. */
async function eachWithState<K extends 33 | 44>(
  asker: Asker,
  question: string,
  key: K,
  body: (version: number) => RequestBody<K>,
): Promise<void> {
  for (const version of versionsOf(key)) {
    await asker.ask(question, key, version, body(version));
    const name = `${key === 33 ? "altered" : "stepped"}-${version}`;
    await caughtUp(asker);
    asker.note(
      `${question}: what is set in ${key} v${version}`,
      await setConfigs(asker, name),
    );
  }
}

let marks = 0;

/**
 * Kafka's broker learns of a change a moment after it was answered, but learns
 * in order: when it knows of one made now, it knows of all before.
 */
async function caughtUp(asker: Asker): Promise<void> {
  const mark = `segment.jitter.ms=${++marks}`;
  const [name, value] = mark.split("=");
  await asker.quietly(44, 1, {
    resources: [
      {
        resourceType: TOPIC,
        resourceName: MARKED,
        configs: [
          { name: name ?? "", configOperation: SET, value: value ?? "" },
        ],
      },
    ],
    validateOnly: false,
  });
  await asker.untilReady(
    () => setConfigs(asker, MARKED),
    (configs) => (configs.includes(mark) ? 0 : NOT_YET),
  );
}

async function setConfigs(
  asker: Asker,
  name: string,
): Promise<readonly string[]> {
  const { results } = await asker.quietly(32, 4, describeBody(name));
  const configs = results[0]?.configs ?? [];
  return configs
    .filter(({ configSource }) => configSource === 1)
    .map((config) => `${config.name}=${config.value}`);
}

export const configScenarios: readonly Scenario[] = [
  describeConfigs,
  alterConfigs,
  incrementalAlterConfigs,
];
