import { describe, expect, test } from "vitest";
import {
  checkLayers,
  checkLazyPackages,
  checkShippedPackages,
  layerOf,
} from "./layer-rule.ts";
import { sourceOf } from "./source.ts";

function messages(path: string, text: string): string[] {
  return checkLayers(sourceOf(path, text)).map((one) => one.message);
}

describe("the layers", () => {
  test.each([
    ["broker/storage/a.ts", 'import { b } from "../wire/reader.ts";'],
    ["broker/storage/a.ts", 'import type { B } from "../wire/reader.ts";'],
    ["broker/storage/a.ts", 'export * from "../wire/reader.ts";'],
    ["broker/storage/a.ts", 'export { b } from "../wire/reader.ts";'],
    ["broker/storage/a.ts", 'const b = await import("../wire/reader.ts");'],
    ["broker/storage/a.ts", 'let b: import("../wire/reader.ts").B;'],
    ["broker/server/a.ts", 'import { b } from "../storage/segment.ts";'],
    ["broker/group/a.ts", 'import { b } from "../transaction/b.ts";'],
    ["broker/group/a.ts", 'import { b } from "../../test/support/b.ts";'],
    ["broker/catalog/a.ts", 'import { b } from "../wire/frame.ts";'],
    ["broker/operation/a.ts", 'import { b } from "../broker.ts";'],
    ["broker/lib/a.ts", 'import { b } from "../platform/clock.ts";'],
    ["broker/platform/a.ts", 'import { b } from "./node/b.ts";'],
    ["broker/operation/a.ts", 'import { b } from "../platform/node/b.ts";'],
    ["client/a.ts", 'import { b } from "../broker/index.ts";'],
    ["pipeline/a.ts", 'import { b } from "../client/core/b.ts";'],
    ["cli/a.ts", 'import { b } from "../broker/inspect/b.ts";'],
    ["broker/lib/a.ts", 'import "../../check-node.js";'],
    ["broker/record/a.ts", 'import * as zlib from "node:zlib";'],
    ["broker/record/a.ts", 'import zlib from "zlib";'],
    ["broker/storage/a.ts", 'import { open } from "node:fs/promises";'],
    ["client/core/a.ts", 'import { b } from "@platformatic/kafka";'],
    ["broker/lib/a.ts", "const b = await import(name);"],
    ["broker/lib/a.ts", 'import { b } from "./b";'],
  ])("refuse in %s: %s", (path, text) => {
    expect(messages(path, text)).toHaveLength(1);
  });

  test.each([
    ["broker/storage/a.ts", 'import { b } from "../record/batch.ts";'],
    ["broker/storage/a.ts", 'import { b } from "./segment.ts";'],
    ["broker/storage/a.ts", 'import { LRUCache } from "lru-cache";'],
    ["broker/catalog/a.ts", 'import { b } from "../wire/schema.ts";'],
    ["broker/broker.ts", 'import { b } from "./platform/node/disk.ts";'],
    ["broker/index.ts", 'import "../check-node.js";'],
    ["broker/platform/a.ts", 'import type { B } from "../lib/payload.ts";'],
    ["broker/platform/node/a.ts", 'import { open } from "node:fs/promises";'],
    ["broker/record/compression.ts", 'import * as zlib from "node:zlib";'],
    ["broker/http/a.ts", 'const b = await import("@fastify/swagger");'],
    ["broker/wire/a.ts", 'import { inspect } from "node:util";'],
    [
      "client/drivers/kafka/a.ts",
      'import type { B } from "@platformatic/kafka";',
    ],
    ["pipeline/a.ts", 'import { b } from "../client/index.ts";'],
    ["cli/a.ts", 'import { b } from "../broker/inspect/index.ts";'],
    ["test/a.ts", 'import { b } from "../broker/storage/segment.ts";'],
  ])("allow in %s: %s", (path, text) => {
    expect(messages(path, text)).toEqual([]);
  });

  test("refuse a file that matches no row", () => {
    expect(messages("broker/misc/a.ts", "")).toHaveLength(1);
    expect(messages("scripts/a.ts", "")).toHaveLength(1);
  });

  test("take the row with the longest path", () => {
    expect(layerOf("broker/platform/node/mmap/koffi.ts")?.path).toBe(
      "broker/platform/node/",
    );
    expect(layerOf("broker/platform/disk.ts")?.path).toBe("broker/platform/");
  });
});

test("a slow package is refused where an entry point loads it at once", () => {
  const entry = sourceOf("broker/index.ts", 'import "./http/a.ts";');
  const eager = sourceOf("broker/http/a.ts", 'import fastify from "fastify";');
  expect(checkLazyPackages([entry, eager])).toHaveLength(1);
  const lazy = sourceOf("broker/index.ts", 'await import("./http/a.ts");');
  expect(checkLazyPackages([lazy, eager])).toEqual([]);
  const type = sourceOf(
    "broker/http/a.ts",
    'import type { A } from "fastify";',
  );
  expect(checkLazyPackages([entry, type])).toEqual([]);
});

test("a published file may import dependencies only", () => {
  const source = sourceOf("cli/a.ts", 'import a from "a/b.js"; import "@c/d";');
  expect(checkShippedPackages(source, ["a"])).toHaveLength(1);
  expect(checkShippedPackages(source, ["a", "@c/d"])).toEqual([]);
});
