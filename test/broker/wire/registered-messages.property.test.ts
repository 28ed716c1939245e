/**
 * The compiled codecs against the interpreter, for every message we speak or
 * store, in every version.
 */
import { describe, expect, test } from "vitest";
import * as catalogRecords from "../../../broker/catalog/catalog-records.ts";
import * as groupRecords from "../../../broker/group/group-record-codec.ts";
import { compile } from "../../../broker/wire/compile.ts";
import { apis } from "../../../broker/wire/kafka/apis.ts";
import * as consumerProtocol from "../../../broker/wire/kafka/consumer-protocol.ts";
import * as headers from "../../../broker/wire/kafka/headers.ts";
import { Reader } from "../../../broker/wire/reader.ts";
import type { Message } from "../../../broker/wire/schema.ts";
import { WireError } from "../../../broker/wire/wire-error.ts";
import { expectHoldsAgainstOracle } from "../../support/codec-properties.ts";

const RUNS_PER_VERSION = 15;

const messages: readonly Message[] = [
  ...Object.values(apis).flatMap(({ request, response }) => [
    request,
    response,
  ]),
  ...[headers, consumerProtocol, catalogRecords, groupRecords].flatMap(
    (module) => Object.values(module).filter(isMessage),
  ),
];

/** Each of these files declares messages beside its functions. */
function isMessage(value: unknown): value is Message {
  return (
    typeof value === "object" &&
    value !== null &&
    "fields" in value &&
    "flexible" in value
  );
}

test("there are messages to hold", () => {
  const names = messages.map(({ name }) => name);
  expect(names).toContain("RequestHeader");
  expect(names).toContain("TopicRecord");
  expect(names).toContain("OffsetCommitValue");
  expect(names.length).toBeGreaterThan(60);
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

describe("a large frame of one byte repeated is read or refused, as", () => {
  const frame = new Uint8Array(200_000);

  test.each(messages.map((message) => [message.name, message] as const))(
    "%s",
    (_name, message) => {
      for (const byte of [0x00, 0x01, 0x02, 0x7f, 0x80, 0xff]) {
        frame.fill(byte);
        const reader = new Reader(frame);
        try {
          compile(message, message.versions.last).decode(reader);
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
        expect(reader.position).toBeLessThanOrEqual(frame.length);
      }
    },
  );
});
