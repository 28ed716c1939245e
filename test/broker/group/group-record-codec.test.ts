import { expect, test } from "vitest";
import { groupRecordCodec } from "../../../broker/group/group-record-codec.ts";
import type { GroupRecord } from "../../../broker/group/group-record.ts";

const { encode, decode } = groupRecordCodec;

function hex(...pieces: string[]): Uint8Array {
  return new Uint8Array(
    Buffer.from(pieces.join("").replaceAll(" ", ""), "hex"),
  );
}

const offset: GroupRecord = {
  kind: "offset",
  groupId: "g",
  topic: "t",
  partition: 2,
  value: {
    offset: 258,
    leaderEpoch: 3,
    metadata: "m",
    commitTimestampMs: 4,
    expireTimestampMs: null,
  },
};

const group: GroupRecord = {
  kind: "group",
  groupId: "g",
  value: {
    protocolType: "consumer",
    generation: 5,
    protocol: "range",
    leader: "a",
    stateTimestampMs: 6,
    members: [
      {
        memberId: "a",
        instanceId: null,
        clientId: "c",
        clientHost: "/h",
        rebalanceTimeoutMs: 7,
        sessionTimeoutMs: 8,
        subscription: hex("01 02"),
        assignment: hex("03"),
      },
    ],
  },
};

test("a committed offset has a key of type 1 and a value of version 3, as Kafka writes it", () => {
  expect(encode(offset)).toEqual({
    key: hex("0001", "0001 67", "0001 74", "00000002"),
    value: hex(
      "0003",
      "0000000000000102",
      "00000003",
      "0001 6d",
      "0000000000000004",
    ),
  });
});

test("a group has a key of type 2 and a value of version 3, as Kafka writes it", () => {
  expect(encode(group)).toEqual({
    key: hex("0002", "0001 67"),
    value: hex(
      "0003",
      "0008 636f6e73756d6572",
      "00000005",
      "0005 72616e6765",
      "0001 61",
      "0000000000000006",
      "00000001",
      "0001 61 ffff 0001 63 0002 2f68 00000007 00000008",
      "00000002 0102 00000001 03",
    ),
  });
});

test("an offset that expires is written in version 1, which has no leader epoch", () => {
  const { key, value } = encode({
    ...offset,
    value: { ...offset.value, expireTimestampMs: 9 },
  } as GroupRecord);
  expect(value).toEqual(
    hex(
      "0001",
      "0000000000000102",
      "0001 6d",
      "0000000000000004",
      "0000000000000009",
    ),
  );
  expect(decode(key, value)).toMatchObject({
    value: { leaderEpoch: null, expireTimestampMs: 9 },
  });
});

test("what is encoded decodes to the same, tombstones too", () => {
  const empty: GroupRecord = {
    kind: "group",
    groupId: "g",
    value: {
      protocolType: "",
      generation: 0,
      protocol: null,
      leader: null,
      stateTimestampMs: null,
      members: [],
    },
  };
  for (const record of [offset, group, empty]) {
    for (const one of [record, { ...record, value: null } as GroupRecord]) {
      const { key, value } = encode(one);
      expect(value === null).toBe(one.value === null);
      expect(decode(key, value)).toEqual(one);
    }
  }
});

test("a record of Kafka 0.8 and one of version 4 with a topic id are read", () => {
  const legacy = hex("0000", "0001 67", "0001 74", "00000002");
  expect(
    decode(legacy, hex("0000", "0000000000000007", "0000", "0000000000000008")),
  ).toEqual({
    ...offset,
    value: {
      offset: 7,
      leaderEpoch: null,
      metadata: "",
      commitTimestampMs: 8,
      expireTimestampMs: null,
    },
  });
  const { key } = encode(offset);
  const flexible = hex(
    "0004 0000000000000102 00000003 02 6d 0000000000000004",
    "01 00 10 00112233445566778899aabbccddeeff",
  );
  expect(decode(key, flexible)).toEqual(offset);
});

test("the oldest group value has one time-out, which stands for both", () => {
  const value = hex(
    "0000 0000 00000001 ffff ffff 00000001",
    "0001 61 0001 63 0001 68 00000008 00000000 00000000",
  );
  expect(decode(hex("0002 0001 67"), value)).toMatchObject({
    value: {
      stateTimestampMs: null,
      members: [{ rebalanceTimeoutMs: 8, sessionTimeoutMs: 8 }],
    },
  });
});

test("records of group protocols that we do not speak are skipped", () => {
  expect(decode(hex("0003 0001 67"), hex("0000"))).toBeNull();
  expect(decode(hex("7fff"), null)).toBeNull();
  expect(decode(null, hex("0000"))).toBeNull();
});

test("a malformed record and a value from the future are errors, not lost offsets", () => {
  const { key, value } = encode(offset);
  if (key === null || value === null) throw new Error("no record");
  expect(() => decode(key.subarray(0, 5), value)).toThrow(/truncated/);
  expect(() => decode(key, value.subarray(0, 12))).toThrow(/truncated/);
  expect(() => decode(key, hex("0005 00"))).toThrow(/no version 5/);
  expect(() => decode(hex("00"), null)).toThrow(/truncated/);
});
