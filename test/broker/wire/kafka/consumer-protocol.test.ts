import { createRequire } from "node:module";
import { expect, test } from "vitest";
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from "../../../../broker/wire/kafka/consumer-protocol.ts";
import { hex } from "./bytes.ts";

const subscription = {
  topics: ["a", "b"],
  userData: hex("01"),
  ownedPartitions: [{ topic: "a", partitions: [0, 1] }],
  generationId: 4,
  rackId: "r",
};
const assignment = {
  assignedPartitions: [{ topic: "a", partitions: [0, 2] }],
  userData: null,
};

test("a subscription is its version and then its fields", () => {
  const bytes = encodeSubscription(subscription);
  expect(bytes).toEqual(
    hex(
      "0003 00000002 0001 61 0001 62 00000001 01",
      "00000001 0001 61 00000002 00000000 00000001",
      "00000004 0001 72",
    ),
  );
  expect(decodeSubscription(bytes)).toEqual(subscription);
});

test("an assignment is its version and then its fields", () => {
  const bytes = encodeAssignment(assignment);
  expect(bytes).toEqual(
    hex("0003 00000001 0001 61 00000002 00000000 00000002 ffffffff"),
  );
  expect(decodeAssignment(bytes)).toEqual(assignment);
});

test("an old subscription owns nothing", () => {
  expect(decodeSubscription(hex("0000 00000001 0001 61 ffffffff"))).toEqual({
    topics: ["a"],
    userData: null,
    ownedPartitions: [],
    generationId: -1,
    rackId: null,
  });
});

test("a version from the future is read as far as we know it", () => {
  const future = encodeSubscription(subscription);
  future[1] = 9;
  const longer = new Uint8Array([...future, 1, 2, 3]);
  expect(decodeSubscription(longer)).toEqual(subscription);
});

test("anything else is null, and does not throw", () => {
  for (const bytes of [
    "",
    "00",
    "ffff 00000000",
    "0000 7fffffff",
    "0001 0000",
  ]) {
    expect(decodeSubscription(hex(bytes))).toBeNull();
    expect(decodeAssignment(hex(bytes))).toBeNull();
  }
});

test("kafkajs and we read each other", () => {
  const require = createRequire(import.meta.url);
  const { MemberMetadata, MemberAssignment } =
    require("kafkajs/src/consumer/assignerProtocol.js") as Record<
      "MemberMetadata" | "MemberAssignment",
      { encode(value: object): Buffer; decode(bytes: Buffer): object }
    >;
  const theirs = MemberMetadata.encode({
    version: 1,
    topics: ["a", "b"],
    userData: Buffer.from([1]),
  });
  // It says version 1 and leaves out what version 1 added.
  expect(decodeSubscription(new Uint8Array(theirs))).toMatchObject({
    topics: ["a", "b"],
    userData: hex("01"),
    ownedPartitions: [],
  });
  expect(
    MemberMetadata.decode(Buffer.from(encodeSubscription(subscription))),
  ).toMatchObject({ topics: ["a", "b"], userData: Buffer.from([1]) });

  const assigned = MemberAssignment.encode({
    version: 0,
    assignment: { a: [0, 2] },
    userData: Buffer.alloc(0),
  });
  expect(decodeAssignment(new Uint8Array(assigned))).toEqual({
    ...assignment,
    userData: new Uint8Array(0),
  });
  expect(
    MemberAssignment.decode(Buffer.from(encodeAssignment(assignment))),
  ).toMatchObject({ assignment: { a: [0, 2] } });
});
