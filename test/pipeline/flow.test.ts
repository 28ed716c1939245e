/** What happens to records on their way: steps, branches, dead letters. */
import { expect, test } from "vitest";
import { z } from "zod";
import { ClientError, topic } from "../../client/index.ts";
import { pipeline } from "../../pipeline/index.ts";
import { FakeBroker, FakeClient, textOf } from "../support/fake-client.ts";
import {
  deadLetters,
  gate,
  other,
  out,
  startOn,
} from "../support/pipeline-harness.ts";

function refusal(answer: string, isRetriable = false): ClientError {
  return new ClientError("refused", `refused: ${answer}`, {
    answer,
    isRetriable,
  });
}

test("records go through filter, map and keyBy to a topic, in order", async () => {
  const { broker, run } = await startOn(["a", "bb", "c", "dd"], (s) =>
    s
      .filter((v) => v?.length === 1)
      .map(async (v) => `<${v}>`)
      .keyBy((v) => v.slice(1, 2))
      .to(out),
  );
  expect(broker.texts("out")).toEqual(["<a>", "<c>"]);
  expect(broker.records("out").map(({ key }) => textOf(key))).toEqual([
    "a",
    "c",
  ]);
  expect(run.stats()).toEqual({
    received: 4,
    filtered: 2,
    delivered: 2,
    deadLettered: 0,
    settled: 4,
    commitFailures: 0,
    branches: {},
  });
  await run.stop();
});

test("timestamp and headers go with the record", async () => {
  const { broker, run } = await startOn([], (s) => s.to(out));
  const headers = [
    { name: "trace", value: Uint8Array.of(1) },
    { name: "trace", value: null },
  ];
  broker.put("in", "v", { headers, timestamp: 5 });
  await broker.clock.settle();
  expect(broker.records("out")).toMatchObject([
    { timestamp: 5, headerList: headers },
  ]);
  await run.stop();
});

test("a step sees the record as the steps before it have left it", async () => {
  const seen: unknown[] = [];
  const { run } = await startOn(["a"], (s) =>
    s
      .keyBy((v) => `key of ${v}`)
      .map((v, record) => {
        seen.push([record.key, record.value, record.offset]);
        return `${v}!`;
      })
      .sink((v, record) => {
        seen.push([v, record.key, record.value]);
      }),
  );
  expect(seen).toEqual([
    ["key of a", "a", 0],
    ["a!", "key of a", "a!"],
  ]);
  await run.stop();
});

test("every branch gets every record, and branches have branches", async () => {
  const sunk: unknown[] = [];
  const { broker, run } = await startOn(["1", "2", "3"], (s) =>
    s.fanOut({
      odd: (b) => b.filter((v) => Number(v) % 2 === 1).to(out),
      all: (b) =>
        b.fanOut({
          topic: (c) => c.map((v) => `${v}0`).to(other),
          sink: (c) => c.sink((v) => void sunk.push(v)),
        }),
    }),
  );
  expect(broker.texts("out")).toEqual(["1", "3"]);
  expect(broker.texts("other")).toEqual(["10", "20", "30"]);
  expect(sunk).toEqual(["1", "2", "3"]);
  const zero = { filtered: 0, delivered: 0, deadLettered: 0 };
  expect(run.stats().branches).toEqual({
    odd: { received: 3, filtered: 1, delivered: 2, deadLettered: 0 },
    all: { ...zero, received: 3 },
    "all.topic": { ...zero, received: 3, delivered: 3 },
    "all.sink": { ...zero, received: 3, delivered: 3 },
  });
  expect(run.stats().settled).toBe(3);
  await run.stop();
});

test("a branch that changes its value changes it for itself only", async () => {
  const broker = new FakeBroker();
  broker.create("in", 1);
  broker.put("in", '{"tags":["x"]}');
  const tagged = topic("in", {
    value: z.object({ tags: z.array(z.string()) }),
  });
  const define = (name: string) =>
    pipeline(name, tagged, { group: "g", from: "earliest" }, (s) =>
      s.fanOut({
        changes: (b) =>
          b
            .map((v) => {
              v.tags.push("changed");
              return JSON.stringify(v);
            })
            .to(out),
        reads: (b) => b.map((v) => JSON.stringify(v)).to(other),
      }),
    );
  const run = await define("p").run(new FakeClient(broker));
  await broker.clock.settle();
  expect(broker.texts("out")).toEqual(['{"tags":["x","changed"]}']);
  expect(broker.texts("other")).toEqual(['{"tags":["x"]}']);
  await run.stop();
});

test("a slow branch holds up no other", async () => {
  const slow = gate();
  const { broker, run } = await startOn(["1", "2", "3"], (s) =>
    s.fanOut({
      slow: (b) => b.sink(() => slow.opened),
      fast: (b) => b.to(out),
    }),
  );
  expect(broker.texts("out")).toEqual(["1", "2", "3"]);
  expect(run.stats().settled).toBe(0);
  slow.open();
  await broker.clock.settle();
  expect(run.stats().settled).toBe(3);
  await run.stop();
});

test("a failing branch dead-letters the record alone, and says its name", async () => {
  const { broker, run } = await startOn(["1", "2"], (s) =>
    s.fanOut({
      fails: (b) =>
        b.fanOut({
          inner: (c) =>
            c.sink((v) => {
              if (v === "1") throw new TypeError("no ones");
            }),
        }),
      works: (b) => b.to(out),
    }),
  );
  expect(broker.texts("out")).toEqual(["1", "2"]);
  expect(broker.texts(deadLetters)).toEqual(["1"]);
  const [dead] = broker.records(deadLetters);
  expect(textOf(dead?.headers.get("x-pipeline-branch") ?? null)).toBe(
    "fails.inner",
  );
  expect(textOf(dead?.headers.get("kafka_dlt-exception-message") ?? null)).toBe(
    "no ones",
  );
  expect(run.stats().branches["fails.inner"]).toEqual({
    received: 2,
    filtered: 0,
    delivered: 1,
    deadLettered: 1,
  });
  await run.stop();
});

test.each([
  ["an error", () => Promise.reject(new Error("no")), "handler-failed"],
  [
    "a string",
    () => {
      throw "no";
    },
    "handler-failed",
  ],
  ["nothing at all", () => Promise.reject(undefined), "handler-failed"],
  [
    "an error of its own client",
    () => Promise.reject(new ClientError("timed-out", "elsewhere")),
    "timed-out",
  ],
])(
  "a handler that throws %s costs its record and nothing else",
  async (_, fail, code) => {
    const { broker, run } = await startOn(["bad", "good"], (s) =>
      s.map((v) => (v === "bad" ? fail() : v)).to(out),
    );
    expect(broker.texts("out")).toEqual(["good"]);
    expect(broker.texts(deadLetters)).toEqual(["bad"]);
    const [dead] = broker.records(deadLetters);
    expect(textOf(dead?.headers.get("x-pipeline-error-code") ?? null)).toBe(
      code,
    );
    await run.stop();
    expect(broker.committed.get("in-0")).toBe(2);
  },
);

test("a filter or a key that throws dead-letters the record too", async () => {
  const { broker, run } = await startOn(["f", "k", "ok"], (s) =>
    s
      .filter((v) => {
        if (v === "f") throw new Error("filter");
        return true;
      })
      .keyBy((v) => {
        if (v === "k") throw new Error("key");
        return v;
      })
      .to(out),
  );
  expect(broker.texts("out")).toEqual(["ok"]);
  expect(broker.texts(deadLetters)).toEqual(["f", "k"]);
  await run.stop();
});

test("a handler can skip a record, or give it up with a reason", async () => {
  const { broker, run } = await startOn(["skip", "give up", "keep"], (s) =>
    s
      .map((v, _, ctx) => {
        if (v === "skip") return ctx.skip();
        if (v === "give up") return ctx.deadLetter("out of stock");
        return v;
      })
      .to(out),
  );
  expect(broker.texts("out")).toEqual(["keep"]);
  expect(run.stats()).toMatchObject({ filtered: 1, deadLettered: 1 });
  const [dead] = broker.records(deadLetters);
  const header = (name: string) => textOf(dead?.headers.get(name) ?? null);
  expect(header("kafka_dlt-exception-message")).toBe("out of stock");
  expect(header("x-pipeline-error-code")).toBe("rejected");
  await run.stop();
});

test("bytes that do not decode are dead-lettered as they are, in the source's partition", async () => {
  const { broker, run } = await startOn([], (s) => s.to(out), {
    partitionCount: 3,
  });
  const broken = Uint8Array.of(0xff, 0xfe);
  broker.put("in", broken, { partition: 2, key: "k" });
  broker.put("in", "fine", { partition: 2, key: broken });
  broker.put("in", "fine", { partition: 2 });
  await broker.clock.settle();
  expect(broker.texts("out")).toEqual(["fine"]);
  const dead = broker.partitionsOf(deadLetters)[2] ?? [];
  expect(dead).toMatchObject([{ value: broken }, { key: broken }]);
  expect([...(dead[0]?.headers.keys() ?? [])]).toContain(
    "kafka_dlt-exception-message",
  );
  expect([...(dead[1]?.headers.keys() ?? [])]).toContain(
    "kafka_dlt-key-exception-message",
  );
  expect(run.stats()).toMatchObject({ received: 3, deadLettered: 2 });
  await run.stop();
});

test("what does not decode can be skipped", async () => {
  const { broker, run } = await startOn([], (s) => s.to(out), {
    options: { onDecodeError: "skip" },
  });
  broker.put("in", Uint8Array.of(0xff));
  broker.put("in", "fine");
  await broker.clock.settle();
  expect(broker.texts("out")).toEqual(["fine"]);
  expect(broker.texts(deadLetters)).toEqual([]);
  expect(run.stats()).toMatchObject({ received: 2, filtered: 1, settled: 2 });
  await run.stop();
});

test("what does not decode can stop the run, in front of the record", async () => {
  const { broker, run } = await startOn([], (s) => s.to(out), {
    options: { onDecodeError: "stop" },
  });
  broker.put("in", "fine");
  await broker.clock.settle();
  broker.put("in", Uint8Array.of(0xff));
  await expect(run.done).rejects.toMatchObject({ code: "decode-failed" });
  expect(broker.committed.get("in-0")).toBe(1);
});

test("a value that cannot be encoded is dead-lettered", async () => {
  const numbers = topic("out", { value: z.object({ n: z.bigint() }) });
  const { broker, run } = await startOn(["1", "2"], (s) =>
    // JSON has no bigint.
    s.map((v) => ({ n: BigInt(v ?? 0) })).to(numbers),
  );
  expect(broker.texts(deadLetters)).toEqual(["1", "2"]);
  expect(run.stats()).toMatchObject({ deadLettered: 2, settled: 2 });
  await run.stop();
});

test("a record that the broker refuses for its own sake is dead-lettered", async () => {
  const { broker, run } = await startOn(["big", "small"], (s) => s.to(out), {
    hooks: {
      send: (name, value) => {
        if (name === "out" && value === "big") {
          throw refusal("message-too-large");
        }
      },
    },
  });
  expect(broker.texts("out")).toEqual(["small"]);
  expect(broker.texts(deadLetters)).toEqual(["big"]);
  await run.stop();
});

test("dead letters go where the option says, record by record", async () => {
  const { broker, run } = await startOn([], (s) => s.to(out), {
    options: { deadLetter: { topic: (record) => `dead-${record.partition}` } },
  });
  broker.create("dead-0", 1);
  broker.put("in", Uint8Array.of(0xff));
  await broker.clock.settle();
  expect(broker.records("dead-0")).toHaveLength(1);
  await run.stop();
});

test.each([
  ["a broker that is away", refusal("leader-not-available", true)],
  ["a topic that may not be written", refusal("topic-authorization-failed")],
  ["a delivery that took too long", new ClientError("timed-out", "late")],
])("%s stops the run and dead-letters nothing", async (_, failure) => {
  const { broker, run } = await startOn(["1", "2", "3"], (s) => s.to(out), {
    hooks: {
      send: (name, value) => {
        if (name === "out" && value === "2") throw failure;
      },
    },
  });
  await expect(run.done).rejects.toMatchObject({
    code: "delivery-failed",
    cause: failure,
  });
  expect(broker.texts(deadLetters)).toEqual([]);
  // Committed below the record that was not written, and nothing behind it.
  expect(broker.committed.get("in-0") ?? 0).toBeLessThanOrEqual(1);
});

test.each([
  ["cannot be written", undefined],
  [
    "has no topic to go to",
    () => {
      throw new Error("no such case");
    },
  ],
])("a dead letter that %s stops the run in front of it", async (_, chosen) => {
  const { broker, run } = await startOn(
    ["1", "bad", "3"],
    (s) =>
      s
        .map((v) => {
          if (v === "bad") throw new Error("no");
          return v;
        })
        .to(out),
    {
      options: chosen === undefined ? {} : { deadLetter: { topic: chosen } },
      hooks: {
        send: (name) => {
          if (name === deadLetters) throw refusal("message-too-large");
        },
      },
    },
  );
  await expect(run.done).rejects.toMatchObject({ code: "delivery-failed" });
  expect(broker.committed.get("in-0") ?? 0).toBeLessThanOrEqual(1);
});
