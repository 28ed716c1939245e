/** The harness itself: a real Kafka starts, answers, and leaves files that its own tools read. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { apiVersions } from "../support/api-versions.ts";
import { needs } from "../support/needs.ts";
import {
  dumpLogSegments,
  startKafka,
  type KafkaBroker,
} from "./kafka-broker.ts";

describe("a real Kafka", needs("kafka").options, () => {
  let kafka: KafkaBroker;

  beforeAll(async () => {
    kafka = await startKafka();
  });
  afterAll(() => kafka?.remove());

  test("answers ApiVersions with its error code and a list of versions", async () => {
    const body = await apiVersions(kafka.port);
    expect(body.readInt16BE(0)).toBe(0);
    const apiCount = body.readInt32BE(2);
    expect(apiCount).toBeGreaterThan(30);
    expect(body.length).toBe(6 + 6 * apiCount);
  });

  test("keeps what a client sends, and its dump tool reads it after a clean stop", async () => {
    const client = new Kafka({
      brokers: [`${kafka.host}:${kafka.port}`],
      logLevel: logLevel.NOTHING,
    });
    const producer = client.producer();
    await producer.connect();
    const [sent] = await producer.send({
      topic: "first",
      messages: [
        { key: "a", value: "one" },
        { key: "b", value: "two" },
      ],
    });
    await producer.disconnect();
    expect(sent?.baseOffset).toBe("0");

    await kafka.stop();
    await expect(apiVersions(kafka.port)).rejects.toThrow();
    const log = join(
      kafka.dataDirectory,
      "first-0",
      "00000000000000000000.log",
    );
    const dump = await dumpLogSegments([log]);
    expect(dump).toContain("baseOffset: 0 lastOffset: 1 count: 2");
    expect(dump).toMatch(/offset: 1 .* key: b payload: two/);
    expect(dump).toContain("isvalid: true");
  });

  test("leaves no directory behind when it is removed", async () => {
    await kafka.remove();
    expect(existsSync(kafka.dataDirectory)).toBe(false);
  });
});
