/** kcat, and so librdkafka: of a release (Debian's) that asks for version 0 of Produce before it compresses. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Compression } from "../../broker/record/batch-format.ts";
import { compressionOf } from "../../broker/record/batch.ts";
import { needs } from "../support/needs.ts";
import {
  createTopic,
  type Host,
  type Member,
  openHost,
  shareAGroup,
} from "./support.ts";

const TIME_LIMIT_MS = 15_000;

function start(host: Host, args: readonly string[]): ChildProcess {
  return spawn("kcat", ["-b", host.address, ...args], {
    stdio: ["pipe", "pipe", "pipe"],
    timeout: TIME_LIMIT_MS,
  });
}

/** Runs to its end and gives what it printed. */
async function kcat(
  host: Host,
  args: readonly string[],
  input = "",
): Promise<string> {
  const child = start(host, args);
  const out: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => errors.push(chunk));
  child.stdin?.end(input);
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`kcat: ${Buffer.concat(errors).toString()}`);
  return Buffer.concat(out).toString();
}

async function joinGroup(
  host: Host,
  group: string,
  topic: string,
): Promise<Member> {
  const settings = [
    "auto.offset.reset=earliest",
    "heartbeat.interval.ms=100",
    "session.timeout.ms=6000",
    "fetch.wait.max.ms=50",
  ].flatMap((setting) => ["-X", setting]);
  const child = start(host, [...settings, "-q", "-u", "-G", group, topic]);
  const received: string[] = [];
  let rest = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split("\n");
    rest = lines.pop() ?? "";
    received.push(...lines);
  });
  child.stderr?.resume();
  return {
    received,
    async stop() {
      child.kill("SIGTERM");
      await once(child, "close");
    },
  };
}

describe("kcat", needs("kcat").options, () => {
  let host: Host;
  beforeAll(async () => {
    host = await openHost();
  });
  afterAll(async () => {
    await host[Symbol.asyncDispose]();
  });

  test.each(["none", "gzip", "snappy", "lz4", "zstd"] as const)(
    "produces and consumes with %s, as the batch says",
    async (codec) => {
      const topic = `codec-${codec}`;
      await createTopic(host, topic, 1);
      const lines = Array.from({ length: 200 }, (_, n) => `value ${n}`);
      // One batch: of a single line it would give up compressing.
      const compression = codec === "none" ? [] : ["-z", codec];
      const linger = ["-X", "queue.buffering.max.ms=1000"];
      await kcat(
        host,
        ["-P", "-t", topic, ...linger, ...compression],
        `${lines.join("\n")}\n`,
      );
      const consumed = await kcat(host, ["-C", "-t", topic, "-e", "-q"]);
      expect(consumed.trimEnd().split("\n")).toEqual(lines);
      expect(await firstCompression(topic)).toBe(Compression[codec]);
    },
  );

  test("an idempotent producer keeps keys and headers", async () => {
    await createTopic(host, "idempotent", 1);
    await kcat(
      host,
      [
        ...["-P", "-t", "idempotent", "-K", ":", "-H", "from=kcat"],
        ...["-X", "enable.idempotence=true"],
      ],
      "k1:v1\nk2:v2\n",
    );
    const format = "%o %k=%s %h\n";
    const consumed = await kcat(host, [
      ...["-C", "-t", "idempotent", "-e", "-q", "-f", format],
    ]);
    expect(consumed).toBe("0 k1=v1 from=kcat\n1 k2=v2 from=kcat\n");
  });

  test("seeks by offset, from the end, and by time", async () => {
    await createTopic(host, "seek", 1);
    const startMs = Date.now();
    await kcat(host, ["-P", "-t", "seek"], "a\nb\nc\n");
    const from = (where: string): Promise<string> =>
      kcat(host, ["-C", "-t", "seek", "-p", "0", "-o", where, "-e", "-q"]);
    expect(await from("1")).toBe("b\nc\n");
    expect(await from("-1")).toBe("c\n");
    expect(await from(`s@${startMs}`)).toBe("a\nb\nc\n");
    expect(await from(`s@${Date.now() + 60_000}`)).toBe("");
    const asked = await kcat(host, ["-Q", "-t", `seek:0:${startMs}`]);
    expect(asked).toBe("seek [0] offset 0\n");
  });

  test("lists the broker, topics and partitions, and creates a topic by producing to it", async () => {
    await kcat(host, ["-P", "-t", "made-by-kcat"], "x\n");
    const listed: unknown = JSON.parse(await kcat(host, ["-L", "-J"]));
    expect(listed).toMatchObject({
      brokers: [{ id: 1, name: host.address }],
      topics: expect.arrayContaining([
        expect.objectContaining({
          topic: "made-by-kcat",
          partitions: [
            {
              partition: 0,
              leader: 1,
              replicas: [{ id: 1 }],
              isrs: [{ id: 1 }],
            },
          ],
        }),
      ]),
    });
  });

  test("shares a group between members", { timeout: 60_000 }, async () => {
    // This release commits every five seconds, whatever it is told.
    await shareAGroup(
      host,
      "kcat",
      (group, topic) => joinGroup(host, group, topic),
      false,
    );
  });

  async function firstCompression(topic: string): Promise<number> {
    const { responses } = await host.connection.request(1, 12, {
      maxWaitMs: 0,
      minBytes: 1,
      topics: [
        {
          topic,
          topicId: "AAAAAAAAAAAAAAAAAAAAAA",
          partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 }],
        },
      ],
      forgottenTopicsData: [],
    });
    const bytes = responses[0]?.partitions[0]?.records;
    return compressionOf(bytes ?? new Uint8Array(0), 0);
  }
});
