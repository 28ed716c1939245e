/**
 * `docs/kafka-compatibility.md`, made from the table of APIs: what is spoken,
 * in which versions, with which limits; what is left out or different, and why.
 */
import { apis, type ApiKey } from "../../broker/wire/kafka/apis.ts";
import { deliberate } from "../kafka/answers/deliberate.ts";

/** What a user of the API has to know besides its versions. */
const notes: Partial<Record<ApiKey, string>> = {
  0: "Versions 0-2 are named and refused, as Kafka 4 does; no transactions.",
  1: "Every answer is outside of fetch sessions.",
  3: "Creates missing topics unless the request or the broker says no.",
  10: "Groups only: a transactional id gets an error that is not retried.",
  11: "The classic protocol; static members as far as join, sync and leave.",
  22: "Without a transactional id.",
  32: "Topics, and this broker's own settings.",
  33: "Topics only.",
  44: "Topics only.",
  60: "Brokers; not controllers.",
};

/** Keys that clients may look for, and why they do not find them yet or ever. */
const leftOut: readonly (readonly [string, string])[] = [
  [
    "17, 36 SaslHandshake, SaslAuthenticate",
    "later: there is no authentication yet",
  ],
  ["24-28 transactions", "later"],
  ["29-31 ACLs", "later, with authentication"],
  ["34, 35 log directories", "later (describe); there is one directory"],
  ["38-41 delegation tokens", "one node has nobody to delegate to"],
  ["43, 45, 46 elections, reassignments", "later, with virtual brokers"],
  ["48-51 quotas, SCRAM users", "later"],
  ["55, 64, 80, 81 KRaft quorum", "there is no quorum"],
  ["61, 65, 66 producers, transactions", "later"],
  ["68, 69 the new consumer groups (KIP-848)", "later"],
  [
    "71, 72 telemetry",
    "Kafka hides them too without a plugin, and a client that sees them waits for a subscription",
  ],
  ["75 DescribeTopicPartitions", "later"],
  ["76-79, 90-92 share groups", "later"],
  ["88, 89 Streams groups", "later: Kafka Streams uses the classic protocol"],
];

export function kafkaCompatibilityPage(): string {
  const rows = Object.values(apis).map(
    ({ key, name, advertised }) =>
      `| ${key} | ${name} | ${advertised.first}-${advertised.last} | ${notes[key as ApiKey] ?? ""} |`,
  );
  return [
    "# Kafka compatibility",
    "",
    "Made from `broker/wire/kafka/apis.ts` by `test/docs/kafka-compatibility.ts`; a test holds it to be up to date (`UPDATE_DOCS=1 npm test` writes it anew).",
    "",
    "| Key | API | Versions | Notes |",
    "| ---: | --- | --- | --- |",
    ...rows,
    "",
    "Tested with kafkajs, @platformatic/kafka and kcat (librdkafka): producing and consuming with every codec they have, idempotent producers, groups of several members, administration. See `test/compatibility`.",
    "",
    "## Deliberately left out",
    "",
    "| Keys | Why |",
    "| --- | --- |",
    ...leftOut.map(([keys, why]) => `| ${keys} | ${why} |`),
    "",
    "## Deliberately different",
    "",
    "The same requests go to Millrace and to a real Kafka 4.3.1 (`test/kafka/answers.test.ts`), every API above in every version: the answers are equal field by field but for these, each of which the test insists on finding.",
    "",
    "| API | Here | Kafka | Why |",
    "| --- | --- | --- | --- |",
    ...deliberate.map(
      ({ api, here, kafka, why }) => `| ${api} | ${here} | ${kafka} | ${why} |`,
    ),
    "",
  ].join("\n");
}
