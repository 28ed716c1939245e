/** The compiled codecs against the interpreter, for every message we speak in every version. */
import { describe, expect, test } from "vitest";
import { apis } from "../../../broker/wire/kafka/apis.ts";
import {
  requestHeader,
  responseHeader,
} from "../../../broker/wire/kafka/headers.ts";
import type { Message } from "../../../broker/wire/schema.ts";
import { expectHoldsAgainstOracle } from "../../support/codec-properties.ts";

const RUNS_PER_VERSION = 15;

const messages: readonly Message[] = [
  requestHeader,
  responseHeader,
  ...Object.values(apis).flatMap(({ request, response }) => [
    request,
    response,
  ]),
];

test("there are messages to hold", () => {
  expect(messages.length).toBeGreaterThan(50);
});

describe("codec and interpreter agree about", () => {
  test.each(messages.map((message) => [message.name, message] as const))(
    "%s in every version",
    (_name, message) => {
      const { first, last } = message.versions;
      for (let version = first; version <= last; version++) {
        expectHoldsAgainstOracle(message, version, RUNS_PER_VERSION);
      }
    },
  );
});
