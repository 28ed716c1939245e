/**
 * Our messages against the codecs of kafkajs, in every version that both speak:
 * it must find in our responses what we put in, and we in its requests what it
 * put in.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import { compile } from "../../../../broker/wire/compile.ts";
import { apis, type ApiKey } from "../../../../broker/wire/kafka/apis.ts";
import { decodeRequestHead } from "../../../../broker/wire/kafka/headers.ts";
import type { Message } from "../../../../broker/wire/schema.ts";
import {
  encoded,
  leaves,
  missing,
  modules,
  presentLeaves,
  versionsOf,
} from "./peer.ts";
import { sampleOf } from "./sample.ts";

const require = createRequire(import.meta.url);
const requests = new URL("kafkajs/src/protocol/requests/", modules);

function fileOf(name: string, version: number, direction: string): URL {
  const folder = name.charAt(0).toLowerCase() + name.slice(1);
  return new URL(`${folder}/v${version}/${direction}.js`, requests);
}

/** An int64 is text in kafkajs. */
function numbersIn(values: readonly unknown[]): unknown[] {
  return values.map((value) =>
    typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value,
  );
}

const pairs = Object.values(apis).flatMap((api) =>
  versionsOf(api)
    .filter((version) => existsSync(fileOf(api.name, version, "response")))
    .map((version) => ({ api, name: api.name, version })),
);

test("kafkajs speaks most of what we test here", () => {
  expect(pairs.length).toBeGreaterThan(55);
});

test.each(pairs)("kafkajs reads our $name response v$version", async (pair) => {
  const { api, name, version } = pair;
  const { decode } = require(fileOf(name, version, "response").pathname) as {
    decode(body: Buffer): Promise<unknown>;
  };
  const sample = sampleOf(api.response, version, { isWithoutErrors: true });
  const theirs = await decode(encoded(api.response, version, sample));
  const wanted = presentLeaves(api.response, version, sample);
  // It names some fields in another order, but each value is there once.
  expect(
    missing(wanted.toSorted(), numbersIn(leaves(theirs)).toSorted()),
  ).toEqual([]);
});
