import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { concatBytes, EMPTY_BYTES } from "../../../../broker/lib/bytes.ts";
import { payloadOf, type Payload } from "../../../../broker/lib/payload.ts";
import {
  apiNameOf,
  batchesFrames,
  compactApis,
  type CompactApiName,
} from "../../../../broker/wire/compact/apis.ts";
import {
  decodeHead,
  errorFrames,
} from "../../../../broker/wire/compact/compact-frame.ts";
import {
  errorCodes,
  isRetriableCode,
} from "../../../../broker/wire/compact/error-codes.ts";
import {
  matchPreface,
  PREFACE,
} from "../../../../broker/wire/compact/preface.ts";
import { packArray } from "../../../../broker/wire/msgpack.ts";
import { WireError } from "../../../../broker/wire/wire-error.ts";
import { bytesOf, golden, pushWithoutDivergingOffset } from "./golden.ts";

const hello = {
  versionMin: 1,
  versionMax: 1,
  clientId: "app",
  credentials: null,
};
const helloAnswer = {
  version: 1,
  clusterId: "local",
  nodeId: 1,
  frameSizeBytesMax: 104_857_600,
};

/** Every frame of `golden`, as the codec writes it. */
const written: { readonly [N in keyof typeof golden]: Uint8Array } = {
  preface: PREFACE,
  helloRequest: bytesIn(
    compactApis.hello.request.encode(
      { kind: 0, correlationId: 1, api: 1 },
      hello,
    ),
  ),
  helloAnswer: bytesIn(
    compactApis.hello.answer.encode(
      { kind: 1, correlationId: 1, api: 1 },
      helloAnswer,
    ),
  ),
  produceRequest: bytesIn(
    compactApis.produce.request.encode(
      { kind: 0, correlationId: 2, api: 20 },
      {
        acks: -1,
        timeoutMs: 1_000,
        partitions: [{ topic: "orders", partition: 0, sizeBytes: 3 }],
      },
      [payloadOf([Uint8Array.of(1, 2, 3)])],
    ),
  ),
  produceAnswer: bytesIn(
    compactApis.produce.answer.encode(
      { kind: 1, correlationId: 2, api: 20 },
      {
        partitions: [
          { error: null, baseOffset: 5, logAppendTimeMs: null, startOffset: 0 },
        ],
      },
    ),
  ),
  error: bytesIn(
    errorFrames.encode(
      { kind: 2, correlationId: 3, api: 22 },
      {
        code: "invalid-request",
        message: "the request makes no sense",
        detail: null,
      },
    ),
  ),
  batchesPush: bytesIn(
    batchesFrames.encode(
      { kind: 3, correlationId: 1, api: 25 },
      {
        topic: "o",
        partition: 0,
        round: 2,
        error: null,
        offset: 7,
        highWatermark: 9,
        stableOffset: 9,
        startOffset: 0,
        divergingOffset: null,
      },
      [payloadOf([Uint8Array.of(10, 11)])],
    ),
  ),
};

function bytesIn(payload: Payload): Uint8Array {
  return concatBytes(payload.parts.map((part) => part as Uint8Array));
}

describe("golden frames", () => {
  for (const name of Object.keys(golden) as (keyof typeof golden)[]) {
    test(`${name} is written as the page on the format has it`, () => {
      expect(Buffer.from(written[name]).toString("hex")).toBe(
        golden[name].replaceAll(" ", ""),
      );
      const page = readFileSync("docs/formats/compact-protocol.md", "utf8");
      expect(page).toContain(golden[name]);
    });
  }
});

test("a push from before there was a diverging offset has none", () => {
  const frame = bytesOf(pushWithoutDivergingOffset).subarray(4);
  const { fields, payload } = batchesFrames.decode(frame);
  expect(fields).toMatchObject({ offset: 7, divergingOffset: null });
  expect([...payload]).toEqual([10, 11]);
});

test("a frame's payload is a view behind its header", () => {
  const frame = bytesOf(golden.produceRequest).subarray(4);
  expect(decodeHead(frame)).toEqual({ kind: 0, correlationId: 2, api: 20 });
  const { fields, payload } = compactApis.produce.request.decode(frame);
  expect(fields.partitions).toEqual([
    { topic: "orders", partition: 0, sizeBytes: 3 },
  ]);
  expect([...payload]).toEqual([1, 2, 3]);
  expect(payload.buffer).toBe(frame.buffer);
});

test("fields that are not known yet are passed over, those that are missing have defaults", () => {
  const newer = packArray([0, 1, 1, 1, 3, "app", null, "new", [1]]);
  expect(compactApis.hello.request.decode(newer).fields).toEqual({
    ...hello,
    versionMax: 3,
  });
  const older = packArray([1, 1, 1, 1, "local"]);
  expect(compactApis.hello.answer.decode(older).fields.nodeId).toBe(0);
});

test("what is no header is a wire error", () => {
  for (const frame of [
    EMPTY_BYTES,
    Uint8Array.of(0xc0),
    Uint8Array.of(0x93, 0, 1),
    packArray(["request", 1, 1]),
    packArray([0, -1, 1]),
  ]) {
    expect(() => decodeHead(frame)).toThrow(WireError);
  }
});

test("releasing a frame releases the payloads in it, once", () => {
  let releasedCount = 0;
  const payload = {
    ...payloadOf([Uint8Array.of(1)]),
    release: () => {
      releasedCount += 1;
    },
  };
  const fields = { partitions: [] };
  const head = { kind: 1, correlationId: 1, api: 22 };
  const frame = compactApis.fetch.answer.encode(head, fields, [payload]);
  expect(releasedCount).toBe(0);
  frame.release();
  expect(releasedCount).toBe(1);
});

test("every request has a key of its own, and is found by it", () => {
  const names = Object.keys(compactApis) as CompactApiName[];
  const keys = names.map((name) => compactApis[name].key);
  expect(new Set(keys).size).toBe(names.length);
  expect(keys.map(apiNameOf)).toEqual(names);
  expect(apiNameOf(0)).toBeNull();
});

test("only words that are known to pass are worth another try", () => {
  expect(isRetriableCode("coordinator-loading")).toBe(true);
  expect(isRetriableCode("invalid-topic")).toBe(false);
  expect(isRetriableCode("a-word-of-tomorrow")).toBe(false);
  for (const { message } of Object.values(errorCodes)) {
    expect(message).not.toBe("");
  }
});

test("the preface is told from Kafka's requests, however little has arrived", () => {
  for (let size = 0; size < PREFACE.length; size += 1) {
    expect(matchPreface(PREFACE.subarray(0, size))).toBe("undecided");
  }
  expect(matchPreface(PREFACE)).toBe("preface");
  expect(matchPreface(concatBytes([PREFACE, PREFACE]))).toBe("preface");
  // A Kafka request: the size of a frame, which is not negative.
  expect(matchPreface(Uint8Array.of(0, 0, 0, 20))).toBe("other");
  expect(matchPreface(Uint8Array.of(0xff, 0x4d, 0, 0))).toBe("other");
});
