import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ClientError } from "../../../../client/errors.ts";
import {
  encodeAssignment,
  encodeSubscription,
} from "../../../../broker/wire/kafka/consumer-protocol.ts";
import type { JoinRequest } from "../../../../client/core/driver.ts";
import {
  batchOf,
  fetcherOptions,
  openWorld,
  produce,
  readValues,
  type World,
} from "./support.ts";

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

describe("topics", () => {
  test("are created once, listed, described, grown and deleted", async () => {
    const { admin } = world.driver;
    const configs = { "retention.ms": "1000" };
    const topic = { name: "orders", partitionCount: 2, configs };
    expect(await admin.createTopic(topic)).toBe(true);
    expect(await admin.createTopic(topic)).toBe(false);
    expect(await admin.listTopics()).toEqual([
      { name: "orders", partitionCount: 2, isInternal: false },
    ]);
    await produce(world.driver, "orders", 1, "a", "b");
    const described = await admin.describeTopic("orders");
    expect(described).toMatchObject({ name: "orders", configs });
    expect(
      described.partitions.map(({ startOffset, endOffset }) => [
        startOffset,
        endOffset,
      ]),
    ).toEqual([
      [0, 0],
      [0, 2],
    ]);
    await admin.createPartitions("orders", 3);
    expect((await admin.describeTopic("orders")).partitionCount).toBe(3);
    await admin.deleteTopic("orders");
    await expect(admin.describeTopic("orders")).rejects.toMatchObject({
      code: "refused",
      answer: "unknown-topic-or-partition",
      isRetriable: true,
    });
  });

  test("are created by asking for them only where that is asked for", async () => {
    const [missing] = (await world.driver.metadata(["x"])).topics;
    expect(missing?.error).toBe("unknown-topic-or-partition");
    const made = await world.driver.metadata(["x"], { autoCreate: true });
    expect(made.topics[0]).toMatchObject({ error: null, partitionCount: 1 });
  });

  test("with a wrong setting are refused with the broker's own words", async () => {
    const configs = { "no.such": "1" };
    await expect(
      world.driver.admin.createTopic({ name: "t", configs }),
    ).rejects.toMatchObject({ answer: "invalid-config", isRetriable: false });
  });
});

describe("producing", () => {
  beforeEach(() =>
    world.driver.admin.createTopic({ name: "t", partitionCount: 2 }),
  );

  test("answers each partition of a request in its place", async () => {
    const results = await world.driver.produce(
      [
        { topic: "t", partition: 1, bytes: batchOf("a") },
        { topic: "t", partition: 9, bytes: batchOf("b") },
        { topic: "t", partition: 0, bytes: batchOf("c", "d") },
      ],
      { acks: -1, timeoutMs: 1_000 },
    );
    expect(
      results.map(({ error, isRetriable, baseOffset }) => [
        error,
        isRetriable,
        baseOffset,
      ]),
    ).toEqual([
      [null, false, 0],
      ["unknown-topic-or-partition", true, -1],
      [null, false, 0],
    ]);
  });

  test("with acks 0 resolves without an answer, and the records are there", async () => {
    const [result] = await world.driver.produce(
      [{ topic: "t", partition: 0, bytes: batchOf("quiet") }],
      { acks: 0, timeoutMs: 1_000 },
    );
    expect(result).toMatchObject({ error: null, baseOffset: -1 });
    expect(await produce(world.driver, "t", 0, "next")).toBe(1);
  });

  test("a hundred requests at once keep their order", async () => {
    const offsets = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        produce(world.driver, "t", 0, `v${index}`),
      ),
    );
    expect(offsets).toEqual(Array.from({ length: 100 }, (_, index) => index));
  });

  test("gives every producer an id of its own", async () => {
    const first = await world.driver.initProducer();
    const second = await world.driver.initProducer();
    expect(second.producerId).not.toBe(first.producerId);
  });

  test("finds offsets by start, end and time", async () => {
    await produce(world.driver, "t", 0, "a", "b", "c");
    const place = { topic: "t", partition: 0 };
    const found = await world.driver.offsetsAt(
      [
        { ...place, at: "earliest" },
        { ...place, at: "latest" },
        { ...place, at: { timestamp: 1_700_000_000_001 } },
        { ...place, at: { timestamp: 1_800_000_000_000 } },
        { topic: "t", partition: 7, at: "latest" },
      ],
      "read_uncommitted",
    );
    expect(found.map(({ error, offset }) => error ?? offset)).toEqual([
      0,
      3,
      1,
      null,
      "unknown-topic-or-partition",
    ]);
  });
});

describe("fetching by push", () => {
  beforeEach(() =>
    world.driver.admin.createTopic({ name: "t", partitionCount: 2 }),
  );

  test("delivers what is there and what comes, without being asked again", async () => {
    await produce(world.driver, "t", 0, "a", "b");
    const fetcher = world.driver.openFetcher(fetcherOptions);
    fetcher.assign([
      { topic: "t", partition: 0, offset: 1 },
      { topic: "t", partition: 1, offset: 0 },
    ]);
    expect(await readValues(fetcher, 1)).toEqual(["t-0@1=b"]);
    for (const value of ["c", "d", "e"]) {
      await produce(world.driver, "t", 1, value);
      const [read] = await readValues(fetcher, 1);
      expect(read?.split("=")[1]).toBe(value);
    }
    await fetcher.close();
    expect(await fetcher.next()).toBeNull();
  });

  test("stops at its credit and goes on when some is given back", async () => {
    const large = "x".repeat(10_000);
    for (let index = 0; index < 20; index += 1) {
      await produce(world.driver, "t", 0, large);
    }
    const fetcher = world.driver.openFetcher({
      ...fetcherOptions,
      partitionSizeBytesMax: 10_000,
      bufferedSizeBytesMax: 30_000,
    });
    fetcher.assign([{ topic: "t", partition: 0, offset: 0 }]);
    const values = await readValues(fetcher, 20);
    expect(values.map((value) => value.split("=")[0])).toEqual(
      Array.from({ length: 20 }, (_, index) => `t-0@${index}`),
    );
  });

  test("goes on elsewhere when positions are replaced", async () => {
    await produce(world.driver, "t", 0, "a", "b", "c");
    const fetcher = world.driver.openFetcher(fetcherOptions);
    fetcher.assign([{ topic: "t", partition: 0, offset: 0 }]);
    expect(await readValues(fetcher, 3)).toHaveLength(3);
    fetcher.assign([{ topic: "t", partition: 0, offset: 1 }]);
    expect(await readValues(fetcher, 2)).toEqual(["t-0@1=b", "t-0@2=c"]);
    fetcher.assign([]);
    await produce(world.driver, "t", 0, "unread");
    await produce(world.driver, "t", 1, "read");
    fetcher.assign([{ topic: "t", partition: 1, offset: 0 }]);
    expect(await readValues(fetcher, 1)).toEqual(["t-1@0=read"]);
  });

  test("tells the error of one partition and serves the others", async () => {
    await produce(world.driver, "t", 1, "fine");
    const fetcher = world.driver.openFetcher(fetcherOptions);
    fetcher.assign([
      { topic: "t", partition: 0, offset: 99 },
      { topic: "t", partition: 1, offset: 0 },
      { topic: "none", partition: 0, offset: 0 },
    ]);
    expect([...(await readValues(fetcher, 3))].sort()).toEqual([
      "none-0: unknown-topic-or-partition",
      "t-0: offset-out-of-range",
      "t-1@0=fine",
    ]);
    fetcher.assign([{ topic: "t", partition: 0, offset: 0 }]);
    await produce(world.driver, "t", 0, "again");
    expect(await readValues(fetcher, 1)).toEqual(["t-0@0=again"]);
  });

  test("goes on after a lost connection without a gap or a repetition", async () => {
    await produce(world.driver, "t", 0, "a");
    const fetcher = world.driver.openFetcher(fetcherOptions);
    fetcher.assign([{ topic: "t", partition: 0, offset: 0 }]);
    expect(await readValues(fetcher, 1)).toEqual(["t-0@0=a"]);
    for (const connection of world.connections) connection.destroy();
    const lost = produce(world.driver, "t", 0, "lost");
    await expect(lost).rejects.toMatchObject({ code: "broker-unreachable" });
    expect(await produce(world.driver, "t", 0, "b")).toBe(1);
    expect(await readValues(fetcher, 1)).toEqual(["t-0@1=b"]);
  });
});

describe("a lost connection", () => {
  test("fails what was under way so that it may be tried again", async () => {
    await world.driver.metadata(null);
    const answer = world.driver.metadata(null);
    // Sent and not answered: delivery takes a turn of the loop.
    await Promise.resolve();
    world.connections[0]?.destroy();
    await expect(answer).rejects.toMatchObject({
      code: "broker-unreachable",
      isRetriable: true,
    });
    expect((await world.driver.metadata(null)).topics).toBeInstanceOf(Array);
  });

  test("is said once the driver is closed", async () => {
    await world.driver.close();
    const asked = world.driver.metadata(null);
    await expect(asked).rejects.toBeInstanceOf(ClientError);
    await expect(asked).rejects.toMatchObject({ code: "closed" });
  });
});

describe("groups", () => {
  const joinRequest = (memberId: string): JoinRequest => ({
    group: "g",
    memberId,
    groupInstanceId: null,
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    protocolType: "consumer",
    protocols: [
      {
        name: "range",
        metadata: encodeSubscription({ topics: ["t"], ownedPartitions: [] }),
      },
    ],
  });

  /** Gets an id and joins with it. */
  async function join() {
    const { group } = world.driver;
    const first = await group.join(joinRequest(""));
    expect(first.error).toBe("member-id-required");
    return group.join(joinRequest(first.memberId));
  }

  test("a member joins, syncs, commits, is seen from outside, and leaves", async () => {
    const { group, admin } = world.driver;
    await admin.createTopic({ name: "t", partitionCount: 2 });
    await produce(world.driver, "t", 1, "a", "b", "c");
    const joined = await join();
    expect(joined).toMatchObject({ error: null, protocolName: "range" });
    const { memberId, generation } = joined;
    const member = { group: "g", memberId, generation, groupInstanceId: null };
    const assignment = encodeAssignment({
      assignedPartitions: [{ topic: "t", partitions: [0, 1] }],
    });
    const synced = await group.sync({
      ...member,
      protocolType: "consumer",
      protocolName: "range",
      assignments: [{ memberId, assignment }],
    });
    expect(synced.error).toBeNull();
    expect(Buffer.from(synced.assignment)).toEqual(Buffer.from(assignment));
    expect(await group.heartbeat(member)).toEqual({ error: null });

    const offset = { topic: "t", partition: 1, offset: 2, metadata: "m" };
    expect(
      await group.commit(member, [
        offset,
        { topic: "t", partition: 8, offset: 1 },
      ]),
    ).toEqual([{ error: null }, { error: "unknown-topic-or-partition" }]);
    const places = [
      { topic: "t", partition: 0 },
      { topic: "t", partition: 1 },
    ];
    expect(await group.committed("g", places)).toEqual([null, offset]);

    const described = await admin.describeGroup("g");
    expect(described).toMatchObject({
      state: "Stable",
      assignor: "range",
      members: [{ memberId, clientId: "tests", assignment: places }],
      offsets: [{ topic: "t", partition: 1, offset: 2, endOffset: 3, lag: 1 }],
    });
    expect(await admin.listGroups()).toEqual([
      { group: "g", state: "Stable", protocolType: "consumer" },
    ]);
    await expect(
      admin.resetGroup("g", [{ topic: "t", partition: 1, offset: 0 }]),
    ).rejects.toMatchObject({ code: "refused" });

    expect(await group.leave(member)).toEqual({ error: null });
    await admin.resetGroup("g", [{ topic: "t", partition: 1, offset: 0 }]);
    expect((await group.committed("g", places))[1]?.offset).toBe(0);
    await admin.deleteGroup("g");
    await expect(admin.deleteGroup("g")).rejects.toMatchObject({
      answer: "group-id-not-found",
    });
  });

  test("two members of one driver join together, neither in the other's way", async () => {
    const first = await join();
    // The second join waits for the first member, whose next join must get through.
    const second = join();
    const member = { ...first, group: "g", groupInstanceId: null };
    let beat = await world.driver.group.heartbeat(member);
    while (beat.error === null)
      beat = await world.driver.group.heartbeat(member);
    expect(beat.error).toBe("rebalance-in-progress");
    const again = world.driver.group.join(joinRequest(first.memberId));
    const answers = await Promise.all([again, second]);
    expect(answers.map(({ error }) => error)).toEqual([null, null]);
    expect(answers[0].generation).toBe(answers[1].generation);
  });

  test("a stranger's heartbeat is refused with a word", async () => {
    const stranger = {
      group: "g",
      memberId: "who",
      generation: 1,
      groupInstanceId: null,
    };
    expect(await world.driver.group.heartbeat(stranger)).toEqual({
      error: "unknown-member-id",
    });
  });
});
