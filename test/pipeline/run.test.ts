/** The life of a run: start, commits, back-pressure, rebalances, stop. */
import { describe, expect, test } from "vitest";
import { ClientError } from "../../client/index.ts";
import { FakeBroker, FakeClient } from "../support/fake-client.ts";
import {
  deadLetters,
  gate,
  out,
  startOn,
  textPipeline,
} from "../support/pipeline-harness.ts";

const first = { topic: "in", partition: 0 };
const second = { topic: "in", partition: 1 };

describe("start", () => {
  test("creates what it writes to, with the source's partition count", async () => {
    const { broker, run } = await startOn([], (s) => s.to(out), {
      partitionCount: 3,
    });
    expect(broker.partitionsOf("out")).toHaveLength(3);
    expect(broker.partitionsOf(deadLetters)).toHaveLength(3);
    await run.stop();
  });

  test("a source that does not exist is an error at the start", async () => {
    const client = new FakeClient(new FakeBroker());
    await expect(
      textPipeline((s) => s.to(out)).run(client),
    ).rejects.toMatchObject({ code: "start-failed" });
    expect(client.consumers).toEqual([]);
  });

  test("a target that cannot be created is an error at the start", async () => {
    const broker = new FakeBroker();
    broker.create("in", 1);
    const client = new FakeClient(broker, {
      createTopic: (name) => {
        if (name === "out") throw new ClientError("refused", "not allowed");
      },
    });
    await expect(
      textPipeline((s) => s.to(out)).run(client),
    ).rejects.toMatchObject({ code: "start-failed" });
  });

  test("an aborted signal starts nothing", async () => {
    const client = new FakeClient(new FakeBroker());
    const signal = AbortSignal.abort();
    await expect(
      textPipeline((s) => s.to(out)).run(client, { signal }),
    ).rejects.toThrow();
    expect(client.consumers).toEqual([]);
  });
});

describe("commits", () => {
  test("come at their interval, with what has settled", async () => {
    const { broker, run } = await startOn(["1", "2"], (s) => s.to(out));
    expect(broker.committed.get("in-0")).toBeUndefined();
    await broker.clock.advanceAndSettle(5_000);
    expect(broker.committed.get("in-0")).toBe(2);
    await run.stop();
  });

  test("never pass a record that has not settled", async () => {
    const held = gate();
    const { broker, run } = await startOn(
      ["1", "2", "3"],
      (s) =>
        s.fanOut({
          slow: (b) => b.filter((v) => v === "2").sink(() => held.opened),
          fast: (b) => b.to(out),
        }),
      { options: { commitIntervalMs: 100 } },
    );
    await broker.clock.advanceAndSettle(1_000);
    expect(broker.texts("out")).toEqual(["1", "2", "3"]);
    expect(broker.committed.get("in-0")).toBe(1);
    held.open();
    await broker.clock.advanceAndSettle(100);
    expect(broker.committed.get("in-0")).toBe(3);
    await run.stop();
  });

  test("are one at a time", async () => {
    let openCount = 0;
    let openCountMax = 0;
    const waiting: (() => void)[] = [];
    const { broker, run } = await startOn(["1"], (s) => s.to(out), {
      options: { commitIntervalMs: 100 },
      hooks: {
        commit: async () => {
          openCount += 1;
          openCountMax = Math.max(openCountMax, openCount);
          await new Promise<void>((resolve) => waiting.push(resolve));
          openCount -= 1;
        },
      },
    });
    await broker.clock.advanceAndSettle(100);
    broker.put("in", "2");
    await broker.clock.settle();
    const stopped = run.stop();
    await broker.clock.settle();
    expect(waiting).toHaveLength(1);
    waiting.shift()?.();
    await broker.clock.settle();
    waiting.shift()?.();
    await stopped;
    expect(openCountMax).toBe(1);
    expect(broker.committed.get("in-0")).toBe(2);
  });

  test("that fail are counted and made good by the next", async () => {
    let failures = 2;
    const { broker, run } = await startOn(["1"], (s) => s.to(out), {
      options: { commitIntervalMs: 100 },
      hooks: {
        commit: () => {
          if (failures-- > 0) throw new ClientError("timed-out", "late");
        },
      },
    });
    await broker.clock.advanceAndSettle(200);
    expect(run.stats().commitFailures).toBe(2);
    expect(broker.committed.get("in-0")).toBeUndefined();
    await broker.clock.advanceAndSettle(100);
    expect(broker.committed.get("in-0")).toBe(1);
    await run.stop();
  });

  test("that can never succeed stop the run", async () => {
    const { broker, run } = await startOn(["1"], (s) => s.to(out), {
      options: { commitIntervalMs: 100 },
      hooks: {
        commit: () => {
          throw new ClientError("refused", "not allowed", {
            answer: "group-authorization-failed",
          });
        },
      },
    });
    await broker.clock.advanceAndSettle(100);
    await expect(run.done).rejects.toMatchObject({ code: "commit-failed" });
  });
});

describe("back-pressure", () => {
  test("no more records are in flight than allowed, however large a batch is", async () => {
    const held = gate();
    let begun = 0;
    const { broker, client, run } = await startOn(
      Array.from({ length: 40 }, (_, n) => String(n)),
      (s) =>
        s.fanOut({
          // Each branch has its queue; the first would take all at once.
          count: (b) => b.sink(() => void (begun += 1)),
          held: (b) => b.sink(() => held.opened),
        }),
      { options: { inFlightPerPartitionMax: 3 } },
    );
    expect(begun).toBe(3);
    expect(client.consumers[0]?.paused).toEqual(new Set(["in-0"]));
    held.open();
    await broker.clock.settle(20);
    expect(begun).toBe(40);
    expect(client.consumers[0]?.paused).toEqual(new Set());
    expect(run.stats().settled).toBe(40);
    await run.stop();
  });

  test("a partition that is full holds up no other", async () => {
    const held = gate();
    const { broker, client, run } = await startOn(
      Array.from({ length: 40 }, () => "held"),
      (s) =>
        s.map(async (v) => (v === "held" ? (await held.opened, v) : v)).to(out),
      { options: { inFlightPerPartitionMax: 1 }, partitionCount: 2 },
    );
    broker.put("in", "free", { partition: 1 });
    await broker.clock.settle();
    expect(client.consumers[0]?.paused).toEqual(new Set(["in-0"]));
    expect(broker.texts("out")).toEqual(["free"]);
    held.open();
    await broker.clock.settle(100);
    expect(run.stats().settled).toBe(41);
    await run.stop();
  });
});

describe("stop", () => {
  test("lets what is in flight settle, commits it and leaves", async () => {
    const held = gate();
    const { broker, client, run } = await startOn(["1", "2"], (s) =>
      s.map(async (v) => (await held.opened, v)).to(out),
    );
    const stopped = run.stop();
    broker.put("in", "too late");
    await broker.clock.settle();
    expect(client.consumers[0]?.isClosed).toBe(false);
    held.open();
    await stopped;
    await run.done;
    expect(broker.texts("out")).toEqual(["1", "2"]);
    expect(broker.committed.get("in-0")).toBe(2);
    expect(client.consumers[0]?.isClosed).toBe(true);
    expect(client.isProducerClosed).toBe(true);
    expect(broker.clock.timerCount).toBe(0);
  });

  test("does not wait for ever for a handler that never returns", async () => {
    let signal: AbortSignal | null = null;
    const { broker, run } = await startOn(["1", "stuck", "3"], (s) =>
      s.sink((v, _, ctx) => {
        signal = ctx.signal;
        return v === "stuck" ? new Promise<void>(() => {}) : undefined;
      }),
    );
    const stopped = run.stop({ drainMs: 500 });
    await broker.clock.advanceAndSettle(499);
    expect(signal).toHaveProperty("aborted", false);
    await broker.clock.advanceAndSettle(1);
    await stopped;
    await run.done;
    expect(signal).toHaveProperty("aborted", true);
    expect(broker.committed.get("in-0")).toBe(1);
  });

  test("a second stop can cut the first one short", async () => {
    const { run } = await startOn(["1"], (s) =>
      s.sink(() => new Promise<void>(() => {})),
    );
    const patient = run.stop();
    await run.stop({ drainMs: 0 });
    await patient;
  });

  test("what a handler throws because it was aborted is no dead letter", async () => {
    const { broker, run } = await startOn(["1", "2"], (s) =>
      s.sink(
        (_, __, { signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener("abort", () => reject(signal.reason));
          }),
      ),
    );
    await run.stop({ drainMs: 0 });
    await broker.clock.settle();
    expect(broker.texts(deadLetters)).toEqual([]);
    expect(run.stats()).toMatchObject({ received: 2, settled: 0 });
    expect(broker.committed.get("in-0")).toBeUndefined();
  });

  test("follows the signal, and disposing", async () => {
    const broker = new FakeBroker();
    broker.create("in", 1);
    const aborter = new AbortController();
    const run = await textPipeline((s) => s.to(out)).run(
      new FakeClient(broker),
      { signal: aborter.signal },
    );
    aborter.abort();
    await run.done;
    {
      await using again = await textPipeline((s) => s.to(out)).run(
        new FakeClient(broker),
      );
      broker.put("in", "1");
      await broker.clock.settle();
      expect(again.stats().delivered).toBe(1);
    }
    expect(broker.committed.get("in-0")).toBe(1);
  });

  test("a signal that is aborted while the run starts stops it", async () => {
    const broker = new FakeBroker();
    broker.create("in", 1);
    const aborter = new AbortController();
    const client = new FakeClient(broker, {
      createTopic: () => aborter.abort(),
    });
    const run = await textPipeline((s) => s.to(out)).run(client, {
      signal: aborter.signal,
    });
    await run.done;
    expect(client.consumers[0]?.isClosed).toBe(true);
  });

  test("a client that is closed under the run ends it", async () => {
    const { client, run } = await startOn([], (s) => s.to(out));
    await client.close();
    await run.done;
    expect(client.isProducerClosed).toBe(true);
  });

  test("a delivery that fails while draining ends the drain, and `done` tells", async () => {
    const held = gate();
    const { run, broker } = await startOn(["1"], (s) => s.to(out), {
      hooks: {
        send: async () => {
          await held.opened;
          throw new ClientError("broker-unreachable", "away");
        },
      },
    });
    const stopped = run.stop();
    held.open();
    await stopped;
    await expect(run.done).rejects.toMatchObject({ code: "delivery-failed" });
    expect(broker.committed.get("in-0")).toBeUndefined();
  });

  test("a consumer that cannot be closed is told, and the producer is closed all the same", async () => {
    const { client, run } = await startOn([], (s) => s.to(out), {
      hooks: {
        closeConsumer: () => {
          throw new ClientError("timed-out", "the group does not answer");
        },
      },
    });
    await expect(run.stop()).rejects.toMatchObject({ code: "timed-out" });
    await expect(run.done).rejects.toMatchObject({ code: "timed-out" });
    expect(client.isProducerClosed).toBe(true);
  });

  test("reading that fails for good ends the run", async () => {
    const { client, run } = await startOn(["1"], (s) => s.to(out));
    client.consumers[0]?.breakWith(new ClientError("corrupt-batch", "crc"));
    await expect(run.done).rejects.toMatchObject({ code: "read-failed" });
    expect(client.broker.committed.get("in-0")).toBe(1);
  });
});

describe("rebalance", () => {
  test("a partition is drained and committed before it is given up", async () => {
    const held = gate();
    const { broker, client, run } = await startOn(["1", "2"], (s) =>
      s.map(async (v) => (await held.opened, v)).to(out),
    );
    let isGivenUp = false;
    const revoked = client.consumers[0]
      ?.revoke([first])
      .then(() => (isGivenUp = true));
    await broker.clock.settle();
    expect(isGivenUp).toBe(false);
    held.open();
    await revoked;
    expect(broker.committed.get("in-0")).toBe(2);
    await run.stop();
  });

  test("other partitions go on meanwhile", async () => {
    const { broker, client, run } = await startOn(
      ["stuck"],
      (s) =>
        s
          .map((v) => (v === "stuck" ? new Promise<string>(() => {}) : v))
          .to(out),
      { partitionCount: 2, options: { drainTimeoutMs: 1_000 } },
    );
    const revoked = client.consumers[0]?.revoke([first]);
    broker.put("in", "other", { partition: 1 });
    await broker.clock.settle();
    expect(broker.texts("out")).toEqual(["other"]);
    await broker.clock.advanceAndSettle(1_000);
    await revoked;
    expect([...(await run.lag()).keys()]).toEqual(["in-1"]);
    await run.stop();
  });

  test("a drain that times out leaves its records to the next owner, and ignores how they end", async () => {
    const held = gate();
    const attempts: unknown[] = [];
    const { broker, client, run } = await startOn(
      ["1", "2", "3"],
      (s) =>
        s
          .map(async (v) => {
            attempts.push(v);
            if (v === "2") await held.opened;
            return v;
          })
          .to(out),
      { options: { drainTimeoutMs: 1_000 } },
    );
    const consumer = client.consumers[0];
    const revoked = consumer?.revoke([first]);
    await broker.clock.advanceAndSettle(1_000);
    await revoked;
    expect(broker.committed.get("in-0")).toBe(1);
    const before = run.stats();
    held.open();
    await broker.clock.settle();
    // The record that was under way ends unheard, the one behind it never begins.
    expect(run.stats()).toEqual(before);
    expect(attempts).toEqual(["1", "2"]);
    expect(broker.texts("out")).toEqual(["1"]);
    await consumer?.assign([first]);
    await broker.clock.settle();
    expect(attempts).toEqual(["1", "2", "2", "3"]);
    expect(broker.texts("out")).toEqual(["1", "2", "3"]);
    await run.stop();
    expect(broker.committed.get("in-0")).toBe(3);
  });

  test("of lost partitions nothing is committed and nobody waits", async () => {
    const { broker, client, run } = await startOn(["1", "stuck"], (s) =>
      s.map((v) => (v === "stuck" ? new Promise<string>(() => {}) : v)).to(out),
    );
    await client.consumers[0]?.revoke([first], "lost");
    await broker.clock.advanceAndSettle(10_000);
    await run.stop();
    expect(broker.committed.get("in-0")).toBeUndefined();
  });

  test("a partition that comes back begins at its committed offset", async () => {
    const { broker, client, run } = await startOn(["1"], (s) => s.to(out), {
      partitionCount: 2,
    });
    await client.consumers[0]?.revoke([first, second]);
    broker.put("in", "2");
    await client.consumers[0]?.assign([first]);
    await broker.clock.settle();
    expect(broker.texts("out")).toEqual(["1", "2"]);
    await run.stop();
  });

  test("a stop during a rebalance ends both", async () => {
    const { client, run } = await startOn(["stuck"], (s) =>
      s.sink(() => new Promise<void>(() => {})),
    );
    const revoked = client.consumers[0]?.revoke([first]);
    await run.stop({ drainMs: 0 });
    await revoked;
    await run.done;
  });
});

test("a log that began anew is read from its new beginning", async () => {
  const { broker, client, run } = await startOn(["1", "2", "3"], (s) =>
    s.to(out),
  );
  await broker.clock.advanceAndSettle(5_000);
  expect(broker.committed.get("in-0")).toBe(3);
  broker.recreate("in");
  broker.put("in", "new");
  client.consumers[0]?.goTo(first, 0);
  await broker.clock.settle();
  expect(broker.texts("out")).toEqual(["1", "2", "3", "new"]);
  await run.stop();
  expect(broker.committed.get("in-0")).toBe(1);
});

test("a log that was cut goes on there, and what waits below the cut is not passed over", async () => {
  const { opened, open } = gate();
  const { broker, client, run } = await startOn(
    ["1", "2", "3", "lost"],
    (s) =>
      s
        .map(async (v) => {
          if (v === "1") await opened;
          return v ?? "";
        })
        .to(out),
    { options: { inFlightPerPartitionMax: 1 } },
  );
  broker.cut("in", 0, 3);
  broker.put("in", "new");
  client.consumers[0]?.goTo(first, 3);
  await broker.clock.advanceAndSettle(5_000);
  // The first is still in flight.
  expect(broker.committed.get("in-0")).toBeUndefined();
  open();
  await broker.clock.settle();
  expect(broker.texts("out")).toEqual(["1", "2", "3", "new"]);
  await run.stop();
  expect(broker.committed.get("in-0")).toBe(4);
});

test("lag counts what has not settled, in the partitions the run owns", async () => {
  const { broker, client, run } = await startOn(
    ["1", "stuck", "3"],
    (s) =>
      s.sink((v) => (v === "stuck" ? new Promise<void>(() => {}) : undefined)),
    { partitionCount: 2 },
  );
  expect(await run.lag()).toEqual(
    new Map([
      ["in-0", 2],
      ["in-1", 0],
    ]),
  );
  await client.consumers[0]?.revoke([second]);
  broker.put("in", "4");
  expect(await run.lag()).toEqual(new Map([["in-0", 3]]));
  await run.stop({ drainMs: 0 });
});
