import { expect, test } from "vitest";
import { sourceOf } from "./source.ts";
import {
  checkHandlers,
  checkReachable,
  checkTargetsExist,
} from "./tree-rules.ts";

const paths = (findings: readonly { path: string }[]) =>
  findings.map((one) => one.path);

test("a published file must be reached from an entry point, not only from a test", () => {
  const sources = [
    sourceOf("broker/index.ts", 'import type { A } from "./broker.ts";'),
    sourceOf("broker/broker.ts", 'const b = await import("./lib/used.ts");'),
    sourceOf("broker/lib/used.ts", ""),
    sourceOf("broker/lib/tested.ts", 'import "./circle.ts";'),
    sourceOf("broker/lib/circle.ts", 'import "./tested.ts";'),
    sourceOf(
      "test/a.test.ts",
      'import "../broker/lib/tested.ts"; import "./support/a.ts";',
    ),
    sourceOf("test/support/a.ts", ""),
    sourceOf("test/support/b.ts", ""),
  ];
  expect(paths(checkReachable(sources))).toEqual([
    "broker/lib/tested.ts",
    "broker/lib/circle.ts",
    "test/support/b.ts",
  ]);
});

test("an import of a missing file is found", () => {
  const source = sourceOf("check-node.js", 'import "./a.js"; import "./b.js";');
  expect(paths(checkTargetsExist([source], ["b.js"]))).toEqual([
    "check-node.js",
  ]);
});

test("a message needs its handler or a reason, and a handler its message", () => {
  const message = (name: string) => `broker/wire/kafka/messages/${name}`;
  const handler = (name: string) => `broker/server/kafka/handlers/${name}`;
  const produce = [message("00-produce.ts"), handler("00-produce.ts")];
  const fetch = message("01-fetch.ts");

  expect(checkHandlers([...produce, message("shared.ts")], {})).toEqual([]);
  expect(paths(checkHandlers([...produce, fetch], {}))).toEqual([fetch]);
  expect(checkHandlers([...produce, fetch], { "01-fetch.ts": "why" })).toEqual(
    [],
  );
  expect(
    paths(checkHandlers([...produce, handler("02-other.ts")], {})),
  ).toEqual([handler("02-other.ts")]);
  expect(paths(checkHandlers(produce, { "00-produce.ts": "why" }))).toEqual([
    "test/tidy/layers.ts",
  ]);
});
