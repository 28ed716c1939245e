import { expect, test } from "vitest";
import { apis } from "../../../../broker/wire/kafka/apis.ts";
import {
  correlationIdOf,
  decodeResponse,
} from "../../../../broker/wire/kafka/headers.ts";
import { Reader } from "../../../../broker/wire/reader.ts";
import { requestBytes } from "../../../support/kafka-connection.ts";
import { TestBroker } from "./support.ts";

const named = { clientSoftwareName: "test", clientSoftwareVersion: "1.0" };

test("what is advertised is stage 1, and nothing that is not there", async () => {
  await using host = await TestBroker.open();
  const connection = await host.connect();
  const { apiKeys } = await connection.request(18, 3, named);
  const ranges = apiKeys.map(
    ({ apiKey, minVersion, maxVersion }) =>
      `${apiKey}: ${minVersion}-${maxVersion}`,
  );
  expect(ranges).toEqual([
    "0: 0-11",
    "1: 4-13",
    "2: 1-7",
    "3: 0-12",
    "8: 2-8",
    "9: 1-8",
    "10: 0-4",
    "11: 0-9",
    "12: 0-4",
    "13: 0-4",
    "14: 0-5",
    "15: 0-5",
    "16: 0-4",
    "18: 0-4",
    "19: 2-7",
    "20: 1-6",
    "21: 0-2",
    "22: 0-4",
    "23: 2-4",
    "32: 1-4",
    "33: 0-2",
    "37: 0-3",
    "42: 0-2",
    "44: 0-1",
    "47: 0-0",
    "60: 0-1",
  ]);
});

test("no telemetry is advertised: it would take an in-flight slot of librdkafka", async () => {
  await using host = await TestBroker.open();
  const connection = await host.connect();
  const { apiKeys } = await connection.request(18, 3, named);
  const keys = apiKeys.map(({ apiKey }) => apiKey);
  expect(keys).not.toContain(71);
  expect(keys).not.toContain(72);
});

test("JoinGroup is advertised from version 0 on", async () => {
  await using host = await TestBroker.open();
  const connection = await host.connect();
  const { apiKeys } = await connection.request(18, 0, named);
  const join = apiKeys.find(({ apiKey }) => apiKey === 11);
  expect(join?.minVersion).toBe(0);
});

test.each([0, 1, 2])(
  "Produce %i is advertised, and closes the connection that sends it",
  async (version) => {
    await using host = await TestBroker.open();
    const connection = await host.connect();
    const { apiKeys } = await connection.request(18, 0, named);
    const produce = apiKeys.find(({ apiKey }) => apiKey === 0);
    expect(produce?.minVersion).toBe(0);
    connection.send(header(0, version));
    await connection.closed;
    expect(host.warnings).toHaveLength(1);
  },
);

test.each([0, 1, 2, 3, 4])(
  "the response to version %i has the header without tagged fields",
  async (version) => {
    await using host = await TestBroker.open();
    const connection = await host.connect();
    connection.sendRequest(18, version, named);
    const frame = await connection.nextFrame();
    const reader = new Reader(frame);
    // The error code follows the correlation id at once.
    reader.take(4);
    expect([reader.int8(), reader.int8()]).toEqual([0, 0]);
    const answer = decodeResponse(apis[18], version, frame);
    expect(answer.apiKeys.length).toBe(Object.keys(apis).length);
  },
);

test("a version that is not served is answered with error 35 in version 0, naming our range", async () => {
  await using host = await TestBroker.open();
  const connection = await host.connect();
  connection.send(header(18, 99, 4711));
  const frame = await connection.nextFrame();
  expect(correlationIdOf(frame)).toBe(4711);
  const answer = decodeResponse(apis[18], 0, frame);
  expect(answer.errorCode).toBe(35);
  const own = answer.apiKeys.find(({ apiKey }) => apiKey === 18);
  // A client gives up if the highest named is not below what it sent.
  expect(own).toMatchObject({ minVersion: 0, maxVersion: 4 });
  const again = await connection.request(18, 3, named);
  expect(again.errorCode).toBe(0);
});

test.each([0, 1, 2, 3])(
  "version %i names no feature with minimum 0, which older Java clients cannot read",
  async (version) => {
    await using host = await TestBroker.open();
    const connection = await host.connect();
    const answer = await connection.request(18, version, named);
    const unreadable = answer.supportedFeatures.filter(
      ({ minVersion }) => minVersion === 0,
    );
    expect(unreadable).toEqual([]);
  },
);

test.each([
  ["", "1.0"],
  ["-java", "1.0"],
  ["java client", "1.0"],
  ["java", ""],
  ["java", "1.0-"],
])(
  "a client that calls itself %j in version %j is refused",
  async (name, version) => {
    await using host = await TestBroker.open();
    const connection = await host.connect();
    const answer = await connection.request(18, 3, {
      clientSoftwareName: name,
      clientSoftwareVersion: version,
    });
    expect(answer.errorCode).toBe(42);
  },
);

test("bytes behind a request's body are ignored, as in Kafka", async () => {
  await using host = await TestBroker.open();
  const connection = await host.connect();
  const whole = requestBytes(18, 3, named);
  const longer = Buffer.concat([whole, Buffer.from("what is this")]);
  longer.writeInt32BE(longer.length - 4, 0);
  connection.send(longer);
  const frame = await connection.nextFrame();
  expect(decodeResponse(apis[18], 3, frame).errorCode).toBe(0);
});

/** A request with an empty client id and no body. */
function header(key: number, version: number, correlationId = 1): Uint8Array {
  const bytes = Buffer.alloc(14);
  bytes.writeInt32BE(10, 0);
  bytes.writeInt16BE(key, 4);
  bytes.writeInt16BE(version, 6);
  bytes.writeInt32BE(correlationId, 8);
  bytes.writeInt16BE(0, 12);
  return bytes;
}
