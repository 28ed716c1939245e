/** Bodies written out by hand, from Kafka's definitions and the rules of its format. */
import { expect, test } from "vitest";
import { compile } from "../../../../broker/wire/compile.ts";
import { apis } from "../../../../broker/wire/kafka/apis.ts";
import { Reader } from "../../../../broker/wire/reader.ts";
import {
  ZERO_UUID,
  type Fields,
  type FieldsIn,
  type Message,
} from "../../../../broker/wire/schema.ts";
import { Writer } from "../../../../broker/wire/writer.ts";
import { hex } from "./bytes.ts";

const ID = "AAECAwQFBgcICQoLDA0ODw";
const ID_BYTES = "000102030405060708090a0b0c0d0e0f";

/** Both ways, for each version with its bytes. */
function expectBytes<F extends Fields>(
  message: Message<F>,
  value: FieldsIn<F>,
  bytesByVersion: { readonly [version: number]: string },
): void {
  for (const [version, text] of Object.entries(bytesByVersion)) {
    const codec = compile(message, Number(version));
    const writer = new Writer();
    codec.encode(writer, value);
    const what = `${message.name} v${version}`;
    expect(Buffer.from(writer.finishBytes()).toString("hex"), what).toBe(
      Buffer.from(hex(text)).toString("hex"),
    );
    const reader = new Reader(hex(text));
    const decoded: object = codec.decode(reader);
    expect(reader.remaining, what).toBe(0);
    // A second time round the bytes are the same: nothing was lost in decoding.
    const again = new Writer();
    codec.encode(again, decoded as FieldsIn<F>);
    expect(again.finishBytes(), what).toEqual(hex(text));
  }
}

test("ApiVersions", () => {
  const client = { clientSoftwareName: "me", clientSoftwareVersion: "1.0" };
  expectBytes(apis[18].request, client, { 0: "", 3: "036d65 04312e30 00" });

  const apiKeys = [{ apiKey: 0, minVersion: 0, maxVersion: 11 }];
  const response = { errorCode: 0, apiKeys, throttleTimeMs: 0 };
  expectBytes(apis[18].response, response, {
    0: "0000 00000001 0000 0000 000b",
    1: "0000 00000001 0000 0000 000b 00000000",
    3: "0000 02 0000 0000 000b 00 00000000 00",
  });
  const finalizedFeatures = [
    { name: "f", maxVersionLevel: 2, minVersionLevel: 1 },
  ];
  expectBytes(
    apis[18].response,
    { ...response, finalizedFeaturesEpoch: 0, finalizedFeatures },
    {
      3: "0000 02 0000 0000 000b 00 00000000 02 01 08 0000000000000000 02 08 02 0266 0002 0001 00",
    },
  );
});

test("Metadata", () => {
  const names = [{ topicId: ZERO_UUID, name: "t" }];
  const flags = {
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: true,
  };
  expectBytes(
    apis[3].request,
    { ...flags, topics: names },
    {
      1: "00000001 0001 74",
      4: "00000001 0001 74 01",
      9: "02 0274 00 01 00 01 00",
      12: "02 00000000000000000000000000000000 0274 00 01 01 00",
    },
  );
  expectBytes(
    apis[3].request,
    { ...flags, topics: null, allowAutoTopicCreation: false },
    { 1: "ffffffff", 9: "00 00 00 01 00" },
  );
  expectBytes(
    apis[3].request,
    { ...flags, topics: [{ topicId: ID, name: null }] },
    { 12: `02 ${ID_BYTES} 00 00 01 01 00` },
  );

  const response = {
    throttleTimeMs: 0,
    brokers: [{ nodeId: 1, host: "h", port: 9092, rack: null }],
    clusterId: "c",
    controllerId: 1,
    topics: [
      {
        errorCode: 0,
        name: "t",
        topicId: ID,
        isInternal: false,
        partitions: [
          {
            errorCode: 0,
            partitionIndex: 0,
            leaderId: 1,
            leaderEpoch: 5,
            replicaNodes: [1],
            isrNodes: [1],
            offlineReplicas: [],
          },
        ],
      },
    ],
  };
  expectBytes(apis[3].response, response, {
    0: `00000001 00000001 000168 00002384
        00000001 0000 000174 00000001 0000 00000000 00000001
        00000001 00000001 00000001 00000001`,
    1: `00000001 00000001 000168 00002384 ffff 00000001
        00000001 0000 000174 00 00000001 0000 00000000 00000001
        00000001 00000001 00000001 00000001`,
    9: `00000000 02 00000001 0268 00002384 00 00 0263 00000001
        02 0000 0274 00 02 0000 00000000 00000001 00000005
        02 00000001 02 00000001 01 00 80000000 00 80000000 00`,
    12: `00000000 02 00000001 0268 00002384 00 00 0263 00000001
        02 0000 0274 ${ID_BYTES} 00 02 0000 00000000 00000001 00000005
        02 00000001 02 00000001 01 00 80000000 00 00`,
  });
});

test("Produce", () => {
  const records = hex("010203");
  const topicData = [{ name: "t", partitionData: [{ index: 2, records }] }];
  expectBytes(
    apis[0].request,
    { acks: -1, timeoutMs: 30, topicData },
    {
      3: "ffff ffff 0000001e 00000001 000174 00000001 00000002 00000003 010203",
      7: "ffff ffff 0000001e 00000001 000174 00000001 00000002 00000003 010203",
      9: "00 ffff 0000001e 02 0274 02 00000002 04 010203 00 00 00",
    },
  );

  const partition = {
    index: 2,
    errorCode: 0,
    baseOffset: 9,
    logAppendTimeMs: -1,
    logStartOffset: 0,
    recordErrors: [],
    errorMessage: null,
  };
  const response = (more: { leaderId?: number; leaderEpoch?: number }) => ({
    responses: [
      {
        name: "t",
        partitionResponses: [{ ...partition, currentLeader: more }],
      },
    ],
  });
  expectBytes(apis[0].response, response({}), {
    3: "00000001 000174 00000001 00000002 0000 0000000000000009 ffffffffffffffff 00000000",
    7: `00000001 000174 00000001 00000002 0000 0000000000000009 ffffffffffffffff
        0000000000000000 00000000`,
    8: `00000001 000174 00000001 00000002 0000 0000000000000009 ffffffffffffffff
        0000000000000000 00000000 ffff 00000000`,
    9: `02 0274 02 00000002 0000 0000000000000009 ffffffffffffffff
        0000000000000000 01 00 00 00 00000000 00`,
    10: `02 0274 02 00000002 0000 0000000000000009 ffffffffffffffff
        0000000000000000 01 00 00 00 00000000 00`,
  });
  // A struct in a tag: its number, its size, its fields and its own empty tags.
  expectBytes(apis[0].response, response({ leaderId: 1, leaderEpoch: 2 }), {
    10: `02 0274 02 00000002 0000 0000000000000009 ffffffffffffffff
        0000000000000000 01 00 01 00 09 00000001 00000002 00 00 00000000 00`,
  });
});

test("Fetch", () => {
  const partition = { partition: 0, fetchOffset: 7, partitionMaxBytes: 512 };
  expectBytes(
    apis[1].request,
    {
      maxWaitMs: 500,
      minBytes: 1,
      maxBytes: 1024,
      topics: [{ topic: "t", topicId: ID, partitions: [partition] }],
      forgottenTopicsData: [],
    },
    {
      4: `ffffffff 000001f4 00000001 00000400 00
          00000001 000174 00000001 00000000 0000000000000007 00000200`,
      11: `ffffffff 000001f4 00000001 00000400 00 00000000 ffffffff
          00000001 000174 00000001 00000000 ffffffff 0000000000000007
          ffffffffffffffff 00000200 00000000 0000`,
      12: `ffffffff 000001f4 00000001 00000400 00 00000000 ffffffff
          02 0274 02 00000000 ffffffff 0000000000000007 ffffffff
          ffffffffffffffff 00000200 00 00 01 01 00`,
      13: `ffffffff 000001f4 00000001 00000400 00 00000000 ffffffff
          02 ${ID_BYTES} 02 00000000 ffffffff 0000000000000007 ffffffff
          ffffffffffffffff 00000200 00 00 01 01 00`,
    },
  );

  const response = (more: object) => ({
    throttleTimeMs: 0,
    errorCode: 0,
    responses: [
      {
        topic: "t",
        topicId: ID,
        partitions: [
          {
            partitionIndex: 0,
            errorCode: 0,
            highWatermark: 8,
            lastStableOffset: 8,
            logStartOffset: 0,
            abortedTransactions: null,
            records: hex("010203"),
            ...more,
          },
        ],
      },
    ],
  });
  expectBytes(apis[1].response, response({}), {
    4: `00000000 00000001 000174 00000001 00000000 0000
        0000000000000008 0000000000000008 ffffffff 00000003 010203`,
    11: `00000000 0000 00000000 00000001 000174 00000001 00000000 0000
        0000000000000008 0000000000000008 0000000000000000 ffffffff ffffffff
        00000003 010203`,
    12: `00000000 0000 00000000 02 0274 02 00000000 0000
        0000000000000008 0000000000000008 0000000000000000 00 ffffffff
        04 010203 00 00 00`,
    13: `00000000 0000 00000000 02 ${ID_BYTES} 02 00000000 0000
        0000000000000008 0000000000000008 0000000000000000 00 ffffffff
        04 010203 00 00 00`,
  });
  const fenced = {
    records: null,
    abortedTransactions: [{ producerId: 5, firstOffset: 6 }],
    currentLeader: { leaderId: 1, leaderEpoch: 2 },
  };
  expectBytes(apis[1].response, response(fenced), {
    12: `00000000 0000 00000000 02 0274 02 00000000 0000
        0000000000000008 0000000000000008 0000000000000000
        02 0000000000000005 0000000000000006 00 ffffffff
        00 01 01 09 00000001 00000002 00 00 00`,
  });
});

test("JoinGroup", () => {
  expectBytes(
    apis[11].request,
    {
      groupId: "g",
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs: 60_000,
      memberId: "",
      protocolType: "consumer",
      protocols: [{ name: "range", metadata: hex("0102") }],
    },
    {
      0: `000167 00007530 0000 0008636f6e73756d6572
          00000001 000572616e6765 00000002 0102`,
      5: `000167 00007530 0000ea60 0000 ffff 0008636f6e73756d6572
          00000001 000572616e6765 00000002 0102`,
      6: `0267 00007530 0000ea60 01 00 09636f6e73756d6572
          02 0672616e6765 03 0102 00 00`,
      8: `0267 00007530 0000ea60 01 00 09636f6e73756d6572
          02 0672616e6765 03 0102 00 00 00`,
    },
  );
  expectBytes(
    apis[11].response,
    {
      throttleTimeMs: 0,
      errorCode: 0,
      generationId: 3,
      protocolType: "consumer",
      protocolName: "range",
      leader: "a",
      memberId: "b",
      members: [],
    },
    {
      0: "0000 00000003 000572616e6765 000161 000162 00000000",
      5: "00000000 0000 00000003 000572616e6765 000161 000162 00000000",
      6: "00000000 0000 00000003 0672616e6765 0261 0262 01 00",
      7: "00000000 0000 00000003 09636f6e73756d6572 0672616e6765 0261 0262 01 00",
      9: "00000000 0000 00000003 09636f6e73756d6572 0672616e6765 0261 00 0262 01 00",
    },
  );
});
