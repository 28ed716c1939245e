/**
 * The same requests to Millrace and to a real Kafka, every advertised API in
 * every version: the answers are equal field by field, but for what
 * `deliberate.ts` says, and why.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openBroker, type Broker } from "../../broker/index.ts";
import { needs } from "../support/needs.ts";
import {
  createTemporaryDirectory,
  type TemporaryDirectory,
} from "../support/temporary-directory.ts";
import { apis } from "../../broker/wire/kafka/apis.ts";
import { Asker, type Scenario, versionsOf } from "./answers/asker.ts";
import { deliberate, isDeliberate } from "./answers/deliberate.ts";
import { differencesBetween, linesOf } from "./answers/difference.ts";
import { clusterScenarios } from "./answers/scenarios-cluster.ts";
import { configScenarios } from "./answers/scenarios-configs.ts";
import { groupScenarios } from "./answers/scenarios-groups.ts";
import { topicScenarios } from "./answers/scenarios-topics.ts";
import { recordScenarios } from "./answers/scenarios-records.ts";
import { startKafka, type KafkaBroker } from "./kafka-broker.ts";

const scenarios: readonly Scenario[] = [
  ...recordScenarios,
  ...topicScenarios,
  ...configScenarios,
  ...groupScenarios,
  ...clusterScenarios,
];

describe("Millrace and a real Kafka", needs("kafka").options, () => {
  let temporary: TemporaryDirectory;
  let ours: Broker;
  let kafka: KafkaBroker;
  const seen = new Set<(typeof deliberate)[number]>();
  const asked = new Set<string>();

  beforeAll(async () => {
    temporary = await createTemporaryDirectory();
    [kafka, ours] = await Promise.all([
      startKafka(),
      openBroker({
        dir: temporary.path,
        listen: { port: 0, host: "127.0.0.1" },
      }),
    ]);
  });
  afterAll(async () => {
    await ours?.close();
    await kafka?.remove();
    await temporary?.remove();
  });

  async function answersOf(
    port: number,
    scenario: Scenario,
  ): Promise<ReadonlyMap<string, unknown>> {
    const asker = new Asker(port);
    try {
      await scenario.run(asker);
      return asker.answers;
    } finally {
      asker.close();
    }
  }

  for (const scenario of scenarios) {
    test(`answer alike: ${scenario.name}`, async () => {
      const [mine, kafkas] = await Promise.all([
        answersOf(ours.addresses[0]?.port ?? 0, scenario),
        answersOf(kafka.port, scenario),
      ]);
      expect(mine.size).toBeGreaterThan(0);
      for (const question of mine.keys()) asked.add(apiIn(question));
      const unexplained = differencesBetween(mine, kafkas).filter(
        (difference) => {
          const why = deliberate.find((one) => isDeliberate(one, difference));
          if (why !== undefined) seen.add(why);
          return why === undefined;
        },
      );
      expect(linesOf(unexplained)).toEqual([]);
    });
  }

  test("were asked in every version of every API", () => {
    const missing = Object.values(apis).flatMap(({ key, name }) =>
      versionsOf(key)
        .map((version) => `${name} v${version}`)
        .filter((one) => !asked.has(one)),
    );
    expect(missing).toEqual([]);
  });

  test("differ in everything that is said to be deliberate", () => {
    const unseen = deliberate.filter((one) => !seen.has(one));
    expect(unseen.map(({ here }) => here)).toEqual([]);
  });
});

/** `Metadata v3` of `one twice (Metadata v3)`. */
function apiIn(question: string): string {
  return /\((\w+ v\d+)\)$/.exec(question)?.[1] ?? question;
}

test("a field that differs is found, wherever it lies, and one that is missing", () => {
  const answer = (errorCode: number) => ({
    topics: [{ name: "a", partitions: [{ partitionIndex: 3, errorCode }] }],
  });
  const ask = (value: unknown) => new Map([["one (Metadata v3)", value]]);
  expect(differencesBetween(ask(answer(0)), ask(answer(0)))).toEqual([]);
  const different = differencesBetween(ask(answer(5)), ask(answer(0)));
  expect(linesOf(different)).toEqual([
    "one (Metadata v3): topics[a].partitions[3].errorCode: 5, Kafka 0",
  ]);
  const accepted = different.filter((difference) =>
    deliberate.some((one) => isDeliberate(one, difference)),
  );
  expect(accepted).toEqual([]);
  expect(differencesBetween(ask({ topics: [] }), ask(answer(0)))).toHaveLength(
    1,
  );
  expect(differencesBetween(ask(answer(0)), new Map())).toHaveLength(1);
});
