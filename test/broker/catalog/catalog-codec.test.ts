/** The bytes are those that Apache Kafka 4.3's `MetadataRecordSerde` writes. */
import { expect, test } from "vitest";
import {
  createCatalogCodec,
  type CatalogRecord,
} from "../../../broker/catalog/catalog-codec.ts";

const topicId = "MkU3OEVBNTcwNTJENDM2Qg";
const codec = createCatalogCodec(1);

const cases: readonly (readonly [CatalogRecord, string])[] = [
  [
    { type: "topic", name: "orders", topicId },
    "010200076f72646572733245373845413537303532443433364200",
  ],
  [
    { type: "partition", topicId, partition: 3, leaderEpoch: 5 },
    "010300000000033245373845413537303532443433364202000000010200000001010100000001000000050000000000",
  ],
  [
    { type: "config", topic: "orders", name: "retention.ms", value: "1000" },
    "01040002076f72646572730d726574656e74696f6e2e6d73053130303000",
  ],
  [
    { type: "config", topic: "orders", name: "retention.ms", value: null },
    "01040002076f72646572730d726574656e74696f6e2e6d730000",
  ],
  [
    { type: "remove-topic", topicId },
    "0109003245373845413537303532443433364200",
  ],
  [
    { type: "producer-ids", nextProducerId: 2000 },
    "010f0000000001ffffffffffffffff00000000000007d000",
  ],
  [
    { type: "opening", incarnationId: topicId },
    "010000000000013245373845413537303532443433364200000000000000000101000000",
  ],
];

test.each(cases)(
  "%j is written as Kafka writes it, and read back",
  (record, hex) => {
    const { key, value } = codec.encode(record);
    expect(key).toBeNull();
    expect(Buffer.from(value ?? []).toString("hex")).toBe(hex);
    expect(codec.decode(null, value)).toEqual(record);
  },
);

test("later versions of Kafka's records are read too", () => {
  const partition =
    "010302000000033245373845413537303532443433364202000000010200000001010100000001000000050000000002324537384541353730353244343336420102050200000001";
  expect(codec.decode(null, Buffer.from(partition, "hex"))).toEqual({
    type: "partition",
    topicId,
    partition: 3,
    leaderEpoch: 5,
  });
  const opening =
    "010003000000010032453738454135373035324434333642000000000000004d01010100000100110232453738454135373035324434333642";
  expect(codec.decode(null, Buffer.from(opening, "hex"))).toMatchObject({
    type: "opening",
  });
});

test.each([
  [
    "a broker's configuration",
    "0104000401146d696e2e696e73796e632e7265706c69636173023100",
  ],
  ["a record of no effect", "01140000"],
  ["a feature level", "010c00116d657461646174612e76657273696f6e001900"],
])("%s is skipped", (_what, hex) => {
  expect(codec.decode(null, Buffer.from(hex, "hex"))).toBeNull();
});

test("a tombstone is skipped", () => {
  expect(codec.decode(Buffer.from("key"), null)).toBeNull();
});

test.each([
  ["a frame from the future", "02020000"],
  ["a version from the future", "010209"],
  ["a record that is cut", "010200076f7264"],
])("%s is an error", (_what, hex) => {
  expect(() => codec.decode(null, Buffer.from(hex, "hex"))).toThrow();
});
