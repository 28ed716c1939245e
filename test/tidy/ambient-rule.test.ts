import { expect, test } from "vitest";
import { checkAmbient, checkZlibNamespace } from "./ambient-rule.ts";
import { sourceOf } from "./source.ts";

function messages(path: string, text: string): string[] {
  return checkAmbient(sourceOf(path, text)).map((one) => one.message);
}

test.each([
  "const t = Date.now();",
  'const t = Date["now"]();',
  "const { now } = Date;",
  "const D = Date;",
  "const t = new Date();",
  "const t = Date();",
  "const t = globalThis.Date.now();",
  "const g = globalThis;",
  "globalThis.setTimeout(f, 1);",
  "setTimeout(f, 1);",
  "clearTimeout(t);",
  "const later = setImmediate;",
  "f({ setInterval });",
  "const t = performance.now();",
  "const x = Math.random();",
  "const { random } = Math;",
  "const id = crypto.randomUUID();",
  "const home = process.env.HOME;",
  "process.nextTick(f);",
  'if (typeof process !== "undefined") f();',
  "console.log(1);",
  "console?.log(1);",
  "const s = AbortSignal.timeout(5);",
  "function f() { { const console = x; } console.log(1); }",
  "class A { console = 1; f() { console.log(1); } }",
  "declare const process: { env: object };",
])("refuse: %s", (text) => {
  expect(messages("broker/storage/a.ts", text)).toHaveLength(1);
});

test.each([
  "const t = clock.now();",
  "const d = new Date(ms).toISOString();",
  "if (x instanceof Date) f();",
  "const t = Date.UTC(2000, 1);",
  "function f(console: Log) { console.log(1); }",
  "const f = ({ process }: A) => process.run();",
  "const f = ([setTimeout] = []) => setTimeout();",
  'import { performance } from "./performance.ts"; performance.now();',
  "for (const process of all) process.run();",
  "try { f(); } catch (console) { g(console); }",
  "const a = { console: 1, process: 2 }; f(a.console, a.process);",
  "class A { setTimeout() {} }",
  "let d: Date; type P = typeof x; interface A { process: B }",
  "const x = Math.floor(2.5);",
  "queueMicrotask(f);",
])("allow: %s", (text) => {
  expect(messages("broker/storage/a.ts", text)).toEqual([]);
});

test("the message says what to use instead", () => {
  expect(messages("pipeline/a.ts", "Date.now()")[0]).toContain("Clock.now");
  expect(messages("client/a.ts", "setTimeout(f)")[0]).toContain(
    "Clock.schedule",
  );
});

test.each([
  "broker/platform/node/node-clock.ts",
  "cli/main.ts",
  "examples/a.ts",
  "bench/main.ts",
  "test/a.test.ts",
])("allow everything in %s", (path) => {
  expect(messages(path, "console.log(Date.now(), Math.random());")).toEqual([]);
});

test.each([
  'import * as zlib from "node:zlib"; zlib.gzip(bytes, done);',
  'import * as zlib from "node:zlib"; const s = zlib.createGzip();',
  'import * as zlib from "node:zlib"; const z = zlib[name];',
  'import { compress } from "snappy";',
  'import { compressFrame } from "lz4-napi";',
])("refuse a codec on the thread pool: %s", (text) => {
  expect(messages("broker/record/compression.ts", text)).toHaveLength(1);
});

test.each([
  'import * as zlib from "node:zlib"; zlib.gzipSync(b, { level: zlib.constants.Z_BEST_SPEED });',
  'import { compressSync, uncompressSync } from "snappy";',
])("allow a synchronous codec: %s", (text) => {
  expect(messages("broker/record/compression.ts", text)).toEqual([]);
});

test("node:zlib must be imported as a namespace", () => {
  const check = (text: string) =>
    checkZlibNamespace(sourceOf("bench/a.ts", text));
  expect(check('import { gzipSync } from "node:zlib";')).toHaveLength(1);
  expect(check('import zlib from "node:zlib";')).toHaveLength(1);
  expect(check('import * as zlib from "node:zlib";')).toEqual([]);
  expect(check('import type { ZlibOptions } from "node:zlib";')).toEqual([]);
});
