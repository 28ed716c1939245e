import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  configRecord,
  partitionChangeRecord,
  partitionRecord,
  producerIdsRecord,
  registerBrokerRecord,
  removeTopicRecord,
  topicRecord,
} from "../../broker/catalog/catalog-records.ts";
import {
  groupMetadataKey,
  groupMetadataValue,
  offsetCommitKey,
  offsetCommitValue,
} from "../../broker/group/group-record-codec.ts";
import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
} from "../../broker/wire/kafka/consumer-protocol.ts";
import {
  requestHeader,
  responseHeader,
} from "../../broker/wire/kafka/headers.ts";
import { apis } from "../../broker/wire/kafka/apis.ts";
import {
  int32,
  int64,
  message,
  string,
  type Message,
} from "../../broker/wire/schema.ts";
import { differencesFrom } from "./compare.ts";
import type { ReferenceMessage } from "./derive.ts";

const table = JSON.parse(
  readFileSync(new URL("kafka-messages.json", import.meta.url), "utf8"),
) as Record<string, ReferenceMessage>;

/** In the table for those who read and write them by hand, without the schema language. */
const WRITTEN_BY_HAND = [
  "ControlRecordTypeSchema",
  "EndTxnMarker",
  "ProducerSnapshot",
];

const declared: Message[] = [
  ...Object.values(apis).flatMap(({ request, response }) => [
    request,
    response,
  ]),
  requestHeader,
  responseHeader,
  consumerProtocolSubscription,
  consumerProtocolAssignment,
  offsetCommitKey,
  offsetCommitValue,
  groupMetadataKey,
  groupMetadataValue,
  // Kafka 0.8 wrote offsets under another key type: the fields are the same.
  { ...offsetCommitKey, apiKey: 0, name: "LegacyOffsetCommitKey" },
  {
    ...offsetCommitValue,
    apiKey: 0,
    name: "LegacyOffsetCommitValue",
    versions: { first: 0, last: 0 },
    fields: {
      offset: offsetCommitValue.fields.offset,
      metadata: offsetCommitValue.fields.metadata,
      commitTimestamp: offsetCommitValue.fields.commitTimestamp,
    },
  },
  registerBrokerRecord,
  topicRecord,
  partitionRecord,
  partitionChangeRecord,
  configRecord,
  removeTopicRecord,
  producerIdsRecord,
];

function reference(name: string): ReferenceMessage {
  const found = table[name];
  if (found === undefined) throw new Error(`${name} is not in the table`);
  return found;
}

test.each(declared.map((one) => [one.name, one] as const))(
  "%s is declared as Kafka defines it",
  (name, one) => {
    expect(differencesFrom(reference(name), one)).toEqual([]);
  },
);

test("every message of the table is declared, but for those written by hand", () => {
  const names = [...declared.map(({ name }) => name), ...WRITTEN_BY_HAND];
  expect(names.toSorted()).toEqual(Object.keys(table).toSorted());
});

test("each kind of difference is found", () => {
  const kafka: ReferenceMessage = {
    apiKey: 7,
    type: "request",
    validVersions: "0-3",
    flexibleVersions: "2+",
    fields: [
      { name: "Name", type: "string", versions: "0+", nullableVersions: "1+" },
      { name: "Epoch", type: "int32", versions: "1+", default: "-1" },
      {
        name: "Extra",
        type: "int64",
        versions: "2+",
        tag: 0,
        taggedVersions: "2+",
      },
      { name: "Later", type: "bool", versions: "3+" },
    ],
  };
  const right = {
    apiKey: 7,
    name: "Sample",
    versions: "0-2",
    flexible: "2+",
    fields: {
      name: string.nullable("1+"),
      epoch: int32.versions("1+").default(-1),
      extra: int64.versions("2+").tagged(0, "2+"),
    },
  };
  const { name, epoch, extra } = right.fields;
  expect(differencesFrom(kafka, message(right))).toEqual([]);

  const wrong: [string, Parameters<typeof message>[0]][] = [
    ["apiKey", { ...right, apiKey: 8 }],
    ["declares", { ...right, versions: "0-4" }],
    ["flexible", { ...right, flexible: "1+" }],
    ["order", { ...right, fields: { epoch, name, extra } }],
    ["order", { ...right, fields: { name, epoch } }],
    [
      "type",
      {
        ...right,
        fields: { name, epoch: int64.versions("1+").default(-1), extra },
      },
    ],
    [
      "versions",
      { ...right, fields: { name, epoch: int32.default(-1), extra } },
    ],
    [
      "nullable",
      { ...right, fields: { name: string.nullable(), epoch, extra } },
    ],
    [
      "default",
      { ...right, fields: { name, epoch: int32.versions("1+"), extra } },
    ],
    [
      "tag",
      { ...right, fields: { name, epoch, extra: extra.tagged(1, "2+") } },
    ],
    [
      "tagged",
      { ...right, fields: { name, epoch, extra: int64.versions("2+") } },
    ],
    [
      "flexible",
      { ...right, fields: { name: name.flexible("none"), epoch, extra } },
    ],
  ];
  for (const [what, declaration] of wrong) {
    expect(differencesFrom(kafka, message(declaration)).join("\n")).toContain(
      what,
    );
  }
});
