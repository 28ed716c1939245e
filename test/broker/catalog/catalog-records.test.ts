import { expect, test } from "vitest";
import {
  decodeMetadataRecord,
  encodeMetadataRecord,
} from "../../../broker/catalog/catalog-records.ts";

function hex(...pieces: string[]): Uint8Array {
  return new Uint8Array(
    Buffer.from(pieces.join("").replaceAll(" ", ""), "hex"),
  );
}

const idBytes = "00000000000040008000000000000091";
const topicId = Buffer.from(idBytes, "hex").toString("base64url");

test("a topic is frame version 1, its key, its version, its fields and no tags", () => {
  expect(encodeMetadataRecord("topic", { name: "saz", topicId })).toEqual(
    hex("01 02 00", "04 73617a", idBytes, "00"),
  );
});

test("a partition as Kafka 3.7 writes it is read, with its directories", () => {
  const directory = "10000000000040008000000000000001";
  const bytes = hex(
    "01 03 01",
    "00000001",
    idBytes,
    "02 00000001",
    "02 00000001",
    "01",
    "01",
    "00000001",
    "00000003",
    "00000002",
    "02",
    directory,
    "00",
  );
  expect(decodeMetadataRecord(bytes)).toEqual({
    type: "partition",
    fields: {
      partitionId: 1,
      topicId,
      replicas: [1],
      isr: [1],
      removingReplicas: [],
      addingReplicas: [],
      leader: 1,
      leaderRecoveryState: 0,
      leaderEpoch: 3,
      partitionEpoch: 2,
      directories: [Buffer.from(directory, "hex").toString("base64url")],
      eligibleLeaderReplicas: null,
      lastKnownElr: null,
    },
  });
});

test("the tags of a change are written in the order of their numbers, and only those that say something", () => {
  const bytes = encodeMetadataRecord("partition-change", {
    partitionId: 1,
    topicId,
    leader: 1,
    isr: [1],
  });
  expect(bytes).toEqual(
    hex(
      "01 05 00",
      "00000001",
      idBytes,
      "02",
      "00 05 02 00000001",
      "01 04 00000001",
    ),
  );
  expect(decodeMetadataRecord(bytes)).toMatchObject({
    type: "partition-change",
    fields: { leader: 1, isr: [1], replicas: null, leaderRecoveryState: -1 },
  });
});

test("what is encoded decodes to the same", () => {
  const config = {
    resourceType: 2,
    resourceName: "saz",
    name: "cleanup.policy",
    value: null,
  };
  const producerIds = { brokerId: 1, brokerEpoch: -1, nextProducerId: 2 ** 40 };
  const partition = {
    partitionId: 0,
    topicId,
    replicas: [1],
    isr: [1],
    removingReplicas: [],
    addingReplicas: [],
    leader: 1,
    leaderRecoveryState: 0,
    leaderEpoch: 0,
    partitionEpoch: 0,
    directories: [],
    eligibleLeaderReplicas: null,
    lastKnownElr: null,
  };
  const broker = {
    brokerId: 1,
    isMigratingZkBroker: false,
    incarnationId: topicId,
    brokerEpoch: 9,
    endPoints: [
      {
        name: "PLAINTEXT",
        host: "127.0.0.1",
        port: 65535,
        securityProtocol: 0,
      },
    ],
    features: [],
    rack: null,
    fenced: false,
    inControlledShutdown: false,
    logDirs: [],
    cordonedLogDirs: null,
  };
  const pairs = [
    ["config", config, encodeMetadataRecord("config", config)],
    [
      "producer-ids",
      producerIds,
      encodeMetadataRecord("producer-ids", producerIds),
    ],
    ["partition", partition, encodeMetadataRecord("partition", partition)],
    [
      "remove-topic",
      { topicId },
      encodeMetadataRecord("remove-topic", { topicId }),
    ],
    [
      "register-broker",
      broker,
      encodeMetadataRecord("register-broker", broker),
    ],
  ] as const;
  for (const [type, fields, bytes] of pairs) {
    expect(decodeMetadataRecord(bytes)).toEqual({ type, fields });
  }
});

test("a type that is not declared is an answer", () => {
  expect(decodeMetadataRecord(hex("01 0c 00", "ff ff ff"))).toEqual({
    type: "unknown",
    apiKey: 12,
    version: 0,
  });
});

test("a version from the future, another frame and a cut record are errors", () => {
  expect(() => decodeMetadataRecord(hex("01 02 07 00"))).toThrow(
    /no version 7/,
  );
  expect(() => decodeMetadataRecord(hex("00 02 00 00"))).toThrow(
    /frame version 0/,
  );
  expect(() => decodeMetadataRecord(hex("01 02 00 04 73"))).toThrow(
    /truncated/,
  );
  expect(() => decodeMetadataRecord(hex(""))).toThrow(/truncated/);
});
