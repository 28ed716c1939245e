import { expect, test } from "vitest";
import type { Header, RawRecord } from "../../client/index.ts";
import { deadLetterHeaders } from "../../pipeline/dead-letter.ts";
import { failureOf } from "../../pipeline/errors.ts";

const origin = {
  pipeline: "orders-distribute",
  branch: "billing",
  group: "g",
  failedAtMs: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
};

function record(headerList: readonly Header[] = []): RawRecord {
  return {
    topic: "orders",
    partition: 258,
    offset: 2 ** 33 + 1,
    timestamp: 1_700_000_000_000,
    timestampType: "CreateTime",
    key: null,
    value: null,
    headerList,
    headers: new Map(headerList.map(({ name, value }) => [name, value])),
  };
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function asMap(headers: readonly Header[]): Map<string, Uint8Array | null> {
  return new Map(headers.map(({ name, value }) => [name, value]));
}

function asText(headers: readonly Header[], name: string): string | null {
  const value = asMap(headers).get(name) ?? null;
  return value === null ? null : new TextDecoder().decode(value);
}

test("says where the record came from, with Spring's names and big-endian numbers", () => {
  const headers = asMap(
    deadLetterHeaders(record(), failureOf(new Error("no")), origin),
  );
  expect(headers.get("kafka_dlt-original-topic")).toEqual(bytes("orders"));
  expect(headers.get("kafka_dlt-original-partition")).toEqual(
    Uint8Array.of(0, 0, 1, 2),
  );
  expect(headers.get("kafka_dlt-original-offset")).toEqual(
    Uint8Array.of(0, 0, 0, 2, 0, 0, 0, 1),
  );
  expect(headers.get("kafka_dlt-original-timestamp")).toEqual(
    Uint8Array.of(0, 0, 1, 0x8b, 0xcf, 0xe5, 0x68, 0),
  );
  expect(headers.get("kafka_dlt-original-timestamp-type")).toEqual(
    bytes("CreateTime"),
  );
  expect(headers.get("kafka_dlt-original-consumer-group")).toEqual(bytes("g"));
});

test("says what failed, where and when", () => {
  const cause = new RangeError("inner");
  const failure = failureOf(new TypeError("outer", { cause }));
  const headers = deadLetterHeaders(record(), failure, origin);
  expect(asText(headers, "kafka_dlt-exception-fqcn")).toBe("TypeError");
  expect(asText(headers, "kafka_dlt-exception-cause-fqcn")).toBe("RangeError");
  expect(asText(headers, "kafka_dlt-exception-message")).toBe("outer");
  expect(asText(headers, "kafka_dlt-exception-stacktrace")).toContain("outer");
  expect(asText(headers, "x-pipeline-name")).toBe("orders-distribute");
  expect(asText(headers, "x-pipeline-branch")).toBe("billing");
  expect(asText(headers, "x-pipeline-error-code")).toBe("handler-failed");
  expect(asText(headers, "x-pipeline-failed-at")).toBe(
    "2026-01-02T03:04:05.006Z",
  );
});

test("a key that cannot be decoded has headers of its own", () => {
  const failure = failureOf(new Error("bad"), "decode-failed", true);
  const headers = deadLetterHeaders(record(), failure, origin);
  expect(asText(headers, "kafka_dlt-key-exception-fqcn")).toBe("Error");
  expect(asText(headers, "kafka_dlt-key-exception-message")).toBe("bad");
  expect(asMap(headers).has("kafka_dlt-exception-fqcn")).toBe(false);
});

test("the headers of a record that failed before tell of the last failure and the first origin", () => {
  const before = [
    { name: "trace", value: bytes("1") },
    { name: "kafka_dlt-original-topic", value: bytes("first") },
    { name: "kafka_dlt-exception-message", value: bytes("earlier") },
    { name: "x-pipeline-branch", value: bytes("earlier") },
    { name: "x-pipeline-replays", value: bytes("2") },
  ];
  const headers = deadLetterHeaders(record(before), failureOf("now"), {
    ...origin,
    branch: null,
  });
  const names = headers.map(({ name }) => name);
  expect(asText(headers, "trace")).toBe("1");
  expect(asText(headers, "kafka_dlt-original-topic")).toBe("first");
  expect(names).not.toContain("kafka_dlt-original-offset");
  expect(asText(headers, "kafka_dlt-exception-message")).toBe("now");
  expect(names).not.toContain("x-pipeline-branch");
  expect(asText(headers, "x-pipeline-replays")).toBe("2");
  expect(new Set(names).size).toBe(names.length);
});

test("a long message and a long stack are cut, between two characters", () => {
  const error = new Error("€".repeat(10_000));
  error.stack = "s".repeat(10_000);
  const headers = deadLetterHeaders(record(), failureOf(error), origin);
  expect(asText(headers, "kafka_dlt-exception-message")).toBe(
    "€".repeat(1_365),
  );
  expect(asText(headers, "kafka_dlt-exception-stacktrace")).toHaveLength(4_096);
});

test.each([
  ["a string", "no", "string", "no"],
  ["nothing", undefined, "undefined", "undefined"],
  ["null", null, "object", "null"],
  ["a symbol", Symbol("s"), "symbol", "Symbol(s)"],
  ["an object", { reason: 1 }, "object", '{"reason":1}'],
  ["an object without text", Object.create(null), "object", "{}"],
  [
    "an object that throws when it is read",
    {
      toJSON: () => {
        throw new Error("hostile");
      },
    },
    "object",
    "what was thrown cannot be read",
  ],
])("%s thrown is a failure like any other", (_, thrown, name, message) => {
  const failure = failureOf(thrown);
  expect(failure).toMatchObject({ errorName: name, message, stack: null });
});

test("an error's own code is the code people route on", () => {
  const error = Object.assign(new Error("no"), { code: "CARD_DECLINED" });
  expect(failureOf(error).errorCode).toBe("CARD_DECLINED");
});
