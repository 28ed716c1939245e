import { expect, test } from "vitest";
import { apis } from "../../../../broker/wire/kafka/apis.ts";
import {
  correlationIdOf,
  decodeRequestHead,
  decodeResponse,
  encodeRequestFrame,
  encodeResponseFrame,
} from "../../../../broker/wire/kafka/headers.ts";
import { compile } from "../../../../broker/wire/compile.ts";
import { bytesOf, hex } from "./bytes.ts";

const SIZE_SIZE = 4;

function frameOf(...fields: string[]): Buffer {
  return Buffer.from(hex(...fields));
}

test("header v1 of a request is key, version, correlation id and client id", () => {
  const head = decodeRequestHead(
    frameOf("0003 0001 0000002a 0003 61 62 63", "ffffffff"),
  );
  expect(head).toMatchObject({
    error: null,
    api: apis[3],
    version: 1,
    correlationId: 42,
    clientId: "abc",
  });
  if (head.error !== null) return;
  const body = compile(apis[3].request, 1).decode(head.reader);
  expect(body.topics).toBeNull();
  expect(head.reader.remaining).toBe(0);
});

test("header v2 keeps the old-style client id and ends in tagged fields, which are skipped", () => {
  const head = decodeRequestHead(
    frameOf("0003 0009 00000007 ffff 01 05 02 beef", "00 01 00 00 00"),
  );
  expect(head).toMatchObject({ error: null, version: 9, clientId: null });
  if (head.error !== null) return;
  const body = compile(apis[3].request, 9).decode(head.reader);
  expect(body).toMatchObject({ topics: null, allowAutoTopicCreation: true });
  expect(head.reader.remaining).toBe(0);
});

test("an API that is not served is an answer", () => {
  expect(decodeRequestHead(frameOf("0011 0001 00000005 ffff"))).toEqual({
    error: "unknown-api",
    apiKey: 17,
    version: 1,
    correlationId: 5,
  });
  expect(decodeRequestHead(frameOf("ffff ffff 00000005"))).toMatchObject({
    error: "unknown-api",
    apiKey: -1,
  });
});

test.each([
  ["below", "0000 0002"],
  ["above", "0000 000c"],
  ["negative", "0003 ffff"],
  ["of ApiVersions, from the future", "0012 0063"],
])(
  "a version %s what is served is an answer, whatever follows it",
  (_, start) => {
    expect(decodeRequestHead(frameOf(start, "00000009 ff"))).toMatchObject({
      error: "unsupported-version",
      correlationId: 9,
    });
  },
);

test.each([
  ["empty", ""],
  ["short of a correlation id", "0003 0001 000000"],
  ["without client id", "0003 0001 00000001"],
  ["with a client id longer than the frame", "0003 0001 00000001 7fff 61"],
  ["with a client id of negative size", "0003 0001 00000001 fffe"],
  ["without its tagged fields", "0003 0009 00000001 ffff"],
  [
    "with a tagged field longer than the frame",
    "0003 0009 00000001 ffff 01 00 09",
  ],
])("a header %s is malformed, and does not throw", (_, bytes) => {
  expect(decodeRequestHead(frameOf(bytes))).toMatchObject({
    error: "malformed",
  });
});

test("a response has its size, header v0 and body; a flexible one tagged fields between", () => {
  const body = { throttleTimeMs: 0, errorCode: 0 };
  expect(bytesOf(encodeResponseFrame(apis[12], 1, 7, body))).toEqual(
    hex("0000000a 00000007 00000000 0000"),
  );
  expect(bytesOf(encodeResponseFrame(apis[12], 4, 7, body))).toEqual(
    hex("0000000c 00000007 00 00000000 0000 00"),
  );
});

test("the response to ApiVersions has header v0 even where it is flexible", () => {
  const body = { errorCode: 35, apiKeys: [], throttleTimeMs: 0 };
  expect(bytesOf(encodeResponseFrame(apis[18], 3, 1, body))).toEqual(
    hex("0000000c 00000001 0023 01 00000000 00"),
  );
  expect(bytesOf(encodeResponseFrame(apis[18], 0, 1, body))).toEqual(
    hex("0000000a 00000001 0023 00000000"),
  );
});

test("records go out by reference, and releasing the frame releases them", () => {
  const records = new Uint8Array(100).fill(1);
  let releaseCount = 0;
  const frame = encodeResponseFrame(apis[1], 4, 1, {
    throttleTimeMs: 0,
    errorCode: 0,
    responses: [
      {
        topic: "t",
        topicId: "",
        partitions: [
          {
            partitionIndex: 0,
            errorCode: 0,
            highWatermark: 1,
            abortedTransactions: null,
            records: {
              sizeBytes: records.length,
              parts: [records],
              release: () => releaseCount++,
            },
          },
        ],
      },
    ],
  });
  expect(frame.parts).toContain(records);
  expect(bytesOf(frame).length).toBe(frame.sizeBytes);
  expect(releaseCount).toBe(0);
  frame.release();
  expect(releaseCount).toBe(1);
});

test("what a client encodes the broker decodes, and the other way round", () => {
  for (const version of [0, 4]) {
    const request = encodeRequestFrame(
      apis[12],
      version,
      { correlationId: 3, clientId: "me" },
      { groupId: "g", generationId: 1, memberId: "m" },
    );
    const head = decodeRequestHead(bytesOf(request).subarray(SIZE_SIZE));
    expect(head).toMatchObject({
      error: null,
      correlationId: 3,
      clientId: "me",
    });
    if (head.error !== null) return;
    const { groupId } = compile(apis[12].request, version).decode(head.reader);
    expect(groupId).toBe("g");

    const body = { throttleTimeMs: 0, errorCode: 25 };
    const response = encodeResponseFrame(apis[12], version, 3, body);
    const frame = bytesOf(response).subarray(SIZE_SIZE);
    expect(correlationIdOf(frame)).toBe(3);
    expect(decodeResponse(apis[12], version, frame)).toEqual(body);
  }
  expect(correlationIdOf(frameOf("000001"))).toBeNull();
});
