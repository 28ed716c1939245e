import { expect, test } from "vitest";
import { describeBrokerConfigs } from "../../../broker/catalog/broker-config.ts";
import { parseSettings } from "../../../broker/options.ts";

test("what differs from Kafka's default says where it comes from", () => {
  const settings = parseSettings({ defaultPartitionCount: 4 });
  const names = ["num.partitions", "fetch.max.bytes", "log.segment.bytes"];
  expect(
    describeBrokerConfigs(settings, names).map(
      ({ name, value, source, isReadOnly, synonyms }) => ({
        name,
        value,
        source,
        isReadOnly,
        synonyms: synonyms.map(
          (synonym) => `${synonym.value} ${synonym.source}`,
        ),
      }),
    ),
  ).toEqual([
    {
      name: "fetch.max.bytes",
      value: "57671680",
      source: "default",
      isReadOnly: true,
      synonyms: ["57671680 default"],
    },
    {
      name: "log.segment.bytes",
      value: "1073741824",
      source: "default",
      isReadOnly: true,
      synonyms: ["1073741824 default"],
    },
    {
      name: "num.partitions",
      value: "4",
      source: "static-broker",
      isReadOnly: true,
      synonyms: ["4 static-broker", "1 default"],
    },
  ]);
});

test("every name is there once", () => {
  const names = describeBrokerConfigs(parseSettings({}), null).map(
    ({ name }) => name,
  );
  expect(new Set(names).size).toBe(names.length);
  expect(names).toContain("auto.create.topics.enable");
});
