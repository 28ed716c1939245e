import { beforeEach, expect, test } from "vitest";
import type { ConfigOperation } from "../../../broker/catalog/alter-configs.ts";
import {
  answerOf,
  create,
  newTopic,
  startedCatalog,
  type CatalogRig,
} from "./support.ts";

let rig: CatalogRig;
beforeEach(async () => {
  rig = await startedCatalog();
  const configs = [{ name: "retention.ms", value: "1000" }];
  await create(rig, [newTopic("t", { configs })]);
});

type Step = readonly [string, ConfigOperation, string | null];

async function change(
  topic: string,
  steps: readonly Step[],
  validateOnly = false,
) {
  const alteration = {
    mode: "incremental" as const,
    topic,
    steps: steps.map(([name, operation, value]) => ({
      name,
      operation,
      value,
    })),
  };
  const [answer] = await answerOf(
    rig.catalog.alterConfigs({ topics: [alteration], validateOnly }),
  );
  return answer;
}

async function replace(topic: string, configs: Record<string, string | null>) {
  const alteration = {
    mode: "replace" as const,
    topic,
    configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
  };
  const [answer] = await answerOf(
    rig.catalog.alterConfigs({ topics: [alteration], validateOnly: false }),
  );
  return answer;
}

const overrides = () =>
  Object.fromEntries(rig.catalog.topicByName("t")?.overrides ?? []);

test("set, delete, append and subtract change what they name", async () => {
  await change("t", [
    ["segment.ms", "set", "5"],
    ["cleanup.policy", "append", "compact"],
  ]);
  expect(overrides()).toEqual({
    "retention.ms": "1000",
    "segment.ms": "5",
    "cleanup.policy": "delete,compact",
  });
  expect(rig.catalog.topicByName("t")?.config.segmentMs).toBe(5);
  await change("t", [
    ["segment.ms", "delete", null],
    ["cleanup.policy", "subtract", "delete"],
  ]);
  expect(overrides()).toEqual({
    "retention.ms": "1000",
    "cleanup.policy": "compact",
  });
});

test("the older request replaces all that was set", async () => {
  expect(await replace("t", { "segment.ms": "7" })).toMatchObject({
    error: null,
  });
  expect(overrides()).toEqual({ "segment.ms": "7" });
  await replace("t", {});
  expect(overrides()).toEqual({});
});

test.each<readonly [string, string, readonly Step[], string]>([
  [
    "append to a number",
    "t",
    [["retention.ms", "append", "5"]],
    "invalid-config",
  ],
  ["append to nothing known", "t", [["nope", "append", "5"]], "invalid-config"],
  ["set nothing known", "t", [["nope", "set", "5"]], "invalid-config"],
  ["set a wrong value", "t", [["retention.ms", "set", "x"]], "invalid-config"],
  ["set no value", "t", [["retention.ms", "set", null]], "invalid-request"],
  [
    "an unknown topic",
    "nope",
    [["retention.ms", "set", "5"]],
    "unknown-topic-or-partition",
  ],
  [
    "an unknown topic's unknown name",
    "nope",
    [["zzz", "set", "5"]],
    "invalid-config",
  ],
  ["no topic", "", [["retention.ms", "set", "5"]], "invalid-request"],
  [
    "a name twice",
    "t",
    [
      ["retention.ms", "set", "5"],
      ["retention.ms", "delete", null],
    ],
    "invalid-request",
  ],
  [
    "one wrong among several: none is taken",
    "t",
    [
      ["retention.ms", "set", "5"],
      ["segment.bytes", "set", "5"],
    ],
    "invalid-config",
  ],
])("refused: %s", async (_what, topic, steps, error) => {
  expect(await change(topic, steps)).toMatchObject({ error });
  expect(overrides()).toEqual({ "retention.ms": "1000" });
});

test("deleting what is not set, and setting what is, is no record", async () => {
  const batchCount = rig.log.batchCount;
  expect(
    await change("t", [
      ["nope", "delete", null],
      ["retention.ms", "set", "+1000"],
    ]),
  ).toMatchObject({ error: null });
  expect(rig.log.batchCount).toBe(batchCount);
});

test("asking only changes nothing", async () => {
  const answer = await change("t", [["segment.ms", "set", "5"]], true);
  expect(answer?.error).toBeNull();
  expect(overrides()).toEqual({ "retention.ms": "1000" });
});
