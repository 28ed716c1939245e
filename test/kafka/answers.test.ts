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
import { Asker, type Scenario } from "./answers/asker.ts";
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

  test("differ in everything that is said to be deliberate", () => {
    const unseen = deliberate.filter((one) => !seen.has(one));
    expect(unseen.map(({ here }) => here)).toEqual([]);
  });
});
