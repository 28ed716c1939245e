/**
 * The command as people run it, in few processes: each takes half a second to
 * start. The broker is one of this process, reached over TCP.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Broker, openBroker } from "../../broker/index.ts";
import { type Client, connect, topic } from "../../client/index.ts";
import { jsonLines, run, start } from "./support.ts";

const TIMEOUT_MS = 60_000;

let broker: Broker;
let client: Client;
let at: readonly string[];

beforeAll(async () => {
  broker = await openBroker({ listen: { port: 0, host: "127.0.0.1" } });
  client = await connect({ broker });
  at = ["--broker", `127.0.0.1:${broker.addresses[0]?.port}`];
});

afterAll(async () => {
  await client.close();
  await broker.close();
});

/** `key:value`, all in partition 0. */
async function send(name: string, records: readonly string[]): Promise<void> {
  const to = topic(name, { format: "text" });
  for (const record of records) {
    const [key = "", value = ""] = record.split(":");
    await client.send(to, { key, value, partition: 0 });
  }
}

describe("produce and consume", () => {
  test(
    "hand records through as JSON, keys, headers and bytes that are no text with them",
    { timeout: TIMEOUT_MS },
    async () => {
      const created = await run([
        ...["topics", "create", "json", "--partitions", "2"],
        ...["--config", "retention.ms=3600000", ...at],
      ]);
      expect(created).toMatchObject({ exitCode: 0, stderr: "created json\n" });
      expect(await client.admin.describeTopic("json")).toMatchObject({
        partitionCount: 2,
        configs: { "retention.ms": "3600000" },
      });
      const lines = [
        '{"key":"a","value":"1","headers":[["h","x"],["h","y"]],"timestamp":1700000000000,"partition":0}',
        '{"key":"b","value":{"base64":"/wD+"},"partition":0}',
        '{"key":null,"value":null,"partition":1}',
      ];
      const sent = await run(
        ["produce", "json", "--json", "-z", "gzip", ...at],
        lines.join("\n"),
      );
      expect(sent).toEqual({
        exitCode: 0,
        stdout: "",
        stderr: "3 records to json\n",
      });
      const read = await run(["consume", "json", "--exit", "--json", ...at]);
      expect(read).toMatchObject({ exitCode: 0, stderr: "" });
      const records = jsonLines(read.stdout).sort(
        (a, b) => Number(a["partition"]) - Number(b["partition"]),
      );
      expect(records).toMatchObject([
        {
          ...{ topic: "json", partition: 0, offset: 0, key: "a", value: "1" },
          timestamp: 1_700_000_000_000,
          headers: [
            ["h", "x"],
            ["h", "y"],
          ],
        },
        { partition: 0, offset: 1, key: "b", value: { base64: "/wD+" } },
        { partition: 1, offset: 0, key: null, value: null, headers: [] },
      ]);
    },
  );

  test(
    "read from a place, by a format, and follow until they are stopped",
    { timeout: TIMEOUT_MS },
    async () => {
      await send("follow", ["a:1", "b:2", "c:3"]);
      const reading = start([
        ...["consume", "follow", "--from", "-2"],
        ...["--format", "%o %k=%s\\n", ...at],
      ]);
      await reading.until(/2 c=3\n/);
      await send("follow", ["d:4"]);
      await reading.until(/3 d=4\n/);
      reading.child.kill("SIGINT");
      expect(await reading.ended).toEqual({
        exitCode: 0,
        stdout: "1 b=2\n2 c=3\n3 d=4\n",
        stderr: "",
      });
    },
  );

  test(
    "end quietly when whoever reads them has gone",
    { timeout: TIMEOUT_MS },
    async () => {
      const value = "x".repeat(100_000);
      await send("pipe", [`k:${value}`, `k:${value}`, `k:${value}`]);
      const reading = start(["consume", "pipe", ...at]);
      await reading.until(/x\n/);
      reading.child.stdout?.destroy();
      const { exitCode, stderr } = await reading.ended;
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    },
  );
});

test(
  "produce tells how many records it had sent when a line was wrong",
  { timeout: TIMEOUT_MS },
  async () => {
    const sent = await run(
      ["produce", "partly", "-K", ":", ...at],
      "a:1\nnone\n",
    );
    expect(sent).toEqual({
      exitCode: 1,
      stdout: "",
      stderr:
        '1 record to partly\nmillrace: line 2 has no key separator ":"; leave --key-separator out for records without keys\n',
    });
  },
);

test(
  "a group goes on where it was, shows its lag, and is reset only when told twice",
  { timeout: TIMEOUT_MS },
  async () => {
    await send("group", ["a:1", "b:2", "c:3", "d:4", "e:5"]);
    const consume = ["consume", "group", "--group", "g", ...at];
    const lag = async () =>
      (await client.admin.describeGroup("g")).offsets[0]?.lag;
    expect((await run([...consume, "-n", "2"])).stdout).toBe("1\n2\n");
    const described = await run(["groups", "describe", "g", "--json", ...at]);
    expect(jsonLines(described.stdout)).toMatchObject([
      {
        ...{ group: "g", state: "Empty", lag: 3 },
        offsets: [{ topic: "group", partition: 0, offset: 2, endOffset: 5 }],
      },
    ]);
    expect((await run([...consume, "--exit"])).stdout).toBe("3\n4\n5\n");
    expect(await lag()).toBe(0);

    const reset = ["groups", "reset", "g", "--to", "1", "--json", ...at];
    const planned = await run(reset);
    expect(planned.stderr).toContain("add --yes");
    expect(jsonLines(planned.stdout)).toEqual([
      { topic: "group", partition: 0, from: 5, to: 1 },
    ]);
    expect(await lag()).toBe(0);
    await run([...reset, "--yes"]);
    expect(await lag()).toBe(4);
  },
);

test(
  "the same commands reach the broker by Kafka's protocol",
  { timeout: TIMEOUT_MS },
  async () => {
    const kafka = [
      "--broker",
      `kafka://127.0.0.1:${broker.addresses[0]?.port}`,
    ];
    const listed = await run([
      "topics",
      "list",
      "--json",
      "--internal",
      ...kafka,
    ]);
    expect(listed).toMatchObject({ exitCode: 0, stderr: "" });
    expect(jsonLines(listed.stdout)).toContainEqual({
      name: "__consumer_offsets",
      partitions: 1,
      internal: true,
    });
  },
);

test(
  "describe counts the records of a topic, but not what compaction may have taken",
  { timeout: TIMEOUT_MS },
  async () => {
    const policy = ["-c", "cleanup.policy=compact"];
    await run(["topics", "create", "squeezed", ...policy, ...at]);
    await send("squeezed", ["a:1", "a:2"]);
    await send("dense", ["a:1", "a:2"]);
    const [squeezed, dense] = await Promise.all([
      run(["topics", "describe", "squeezed", ...at]),
      run(["topics", "describe", "dense", ...at]),
    ]);
    expect(squeezed.stdout).toMatch(/ 0 +2 +-\n/);
    expect(dense.stdout).toMatch(/ 0 +2 +2\n/);
  },
);

describe("failures", () => {
  test.each([
    ["an unknown topic", ["consume", "nowhere", "--exit"], "topics list"],
    ["a bad name", ["topics", "create", "a b"], "use letters"],
  ])(
    "%s is told on one line, with what to do",
    { timeout: TIMEOUT_MS },
    async (_name, args, advice) => {
      const { exitCode, stdout, stderr } = await run([...args, ...at]);
      expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
      expect(stderr).toMatch(/^millrace: [^\n]+\n$/);
      expect(stderr).toContain(advice);
    },
  );

  test("nobody who listens is told so", { timeout: TIMEOUT_MS }, async () => {
    const free = await openBroker({ listen: { port: 0, host: "127.0.0.1" } });
    const port = free.addresses[0]?.port;
    await free.close();
    const ran = await run(["topics", "list", "-b", `127.0.0.1:${port}`]);
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toMatch(/^millrace: [^\n]+ECONNREFUSED[^\n]+\n$/);
    expect(ran.stderr).toContain("millrace serve");
  });
});
