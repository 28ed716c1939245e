import { InvalidArgumentError } from "commander";
import { describe, expect, test } from "vitest";
import {
  gatherCounts,
  gatherPairList,
  gatherPairs,
  parseCount,
  parseCountFromOne,
  parseEscapes,
  parseHostAndPort,
  parseHostWithPort,
  parsePort,
  parseSeparator,
} from "../../cli/arguments.ts";
import { parseBrokerAddress } from "../../cli/broker-address.ts";

const refused = InvalidArgumentError;

describe("numbers", () => {
  test("are whole and in range", () => {
    expect(parsePort("0")).toBe(0);
    expect(parsePort("65535")).toBe(65535);
    for (const text of ["65536", "-1", "80.5", "", "0x50", "9e1"]) {
      expect(() => parsePort(text), text).toThrow(refused);
    }
    expect(() => parseCount("9007199254740993")).toThrow(refused);
    expect(() => parseCountFromOne("0")).toThrow(refused);
  });

  test("gather over several options and lists", () => {
    expect(gatherCounts("3", gatherCounts("0,1"))).toEqual([0, 1, 3]);
  });
});

describe("host and port", () => {
  test.each([
    ["localhost:9092", { host: "localhost", port: 9092 }],
    ["broker.example.com", { host: "broker.example.com", port: null }],
    ["[::1]:9092", { host: "::1", port: 9092 }],
    ["[::1]", { host: "::1", port: null }],
  ])("%s", (text, expected) => {
    expect(parseHostAndPort(text)).toEqual(expected);
  });

  test.each(["", ":9092", "::1", "a:b", "a:1:2", "a/b:1", "a:70000"])(
    "refuses %j",
    (text) => {
      expect(() => parseHostAndPort(text)).toThrow(refused);
    },
  );
});

test("an address that others are told has a port", () => {
  expect(parseHostWithPort("[::1]:9092")).toEqual({ host: "::1", port: 9092 });
  expect(() => parseHostWithPort("broker")).toThrow("say broker:9092");
});

describe("a broker's address", () => {
  test.each([
    ["localhost", { protocol: "either", addresses: ["localhost:9092"] }],
    ["[::1]:7", { protocol: "either", addresses: ["[::1]:7"] }],
    ["millrace://h:1/", { protocol: "millrace", addresses: ["h:1"] }],
    ["kafka://a:1", { protocol: "kafka", addresses: ["a:1"] }],
    ["kafka://a:1, b", { protocol: "kafka", addresses: ["a:1", "b:9092"] }],
    ["a:1,b:2", { protocol: "kafka", addresses: ["a:1", "b:2"] }],
  ])("%s", (text, expected) => {
    expect(parseBrokerAddress(text)).toEqual(expected);
  });

  test.each(["", "http://a:1", "millrace://a,b", "kafka://", "a:1,,b:2"])(
    "refuses %j",
    (text) => {
      expect(() => parseBrokerAddress(text)).toThrow(refused);
    },
  );
});

describe("pairs", () => {
  test("keep what stands behind the first equals sign", () => {
    expect(gatherPairs("b=2=3", gatherPairs("a=1"))).toEqual({
      a: "1",
      b: "2=3",
    });
    expect(gatherPairs("a=")).toEqual({ a: "" });
  });

  test("of a list may have the same name", () => {
    expect(gatherPairList("a=2", gatherPairList("a=1"))).toEqual([
      ["a", "1"],
      ["a", "2"],
    ]);
  });

  test.each(["a", "=1", ""])("refuse %j", (text) => {
    expect(() => gatherPairs(text)).toThrow(refused);
  });
});

test("escapes stand for what they do in a shell, others for themselves", () => {
  expect(parseEscapes("a\\tb\\n\\\\n\\x")).toBe("a\tb\n\\n\\x");
  expect(() => parseSeparator("")).toThrow(refused);
});
