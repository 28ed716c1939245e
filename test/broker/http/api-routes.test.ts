import { describe, expect, test } from "vitest";
import type { RequestContext } from "../../../broker/operation/context.ts";
import type { FakeBroker } from "./fake-operations.ts";
import { context, httpOver } from "./support.ts";

const broker: FakeBroker = {
  topics: [
    {
      name: "orders",
      partitions: [[10, 100], null, [0, 7]],
      configs: { "retention.ms": "1000" },
    },
    { name: "__consumer_offsets", partitions: [[0, 1]] },
  ],
  groups: [
    {
      name: "billing/eu",
      memberCount: 1,
      commits: [
        ["orders", 0, 90],
        ["orders", 1, 3],
      ],
    },
  ],
};

async function get(url: string, over: FakeBroker = broker) {
  const app = await httpOver(over);
  const answer = await app.inject(url);
  return { status: answer.statusCode, body: answer.json() };
}

describe("topics", () => {
  test("are listed by name", async () => {
    expect(await get("/api/topics")).toEqual({
      status: 200,
      body: {
        total: 2,
        topics: [
          {
            name: "__consumer_offsets",
            topicId: "AAAAAAAAAAAAAAAAAAAAAA",
            partitionCount: 1,
            isInternal: true,
          },
          {
            name: "orders",
            topicId: "AAAAAAAAAAAAAAAAAAAAAA",
            partitionCount: 3,
            isInternal: false,
          },
        ],
      },
    });
  });

  test("come in pages that tell how many there are", async () => {
    const { body } = await get("/api/topics?first=1&count=1");
    expect(body.total).toBe(2);
    expect(body.topics).toMatchObject([{ name: "orders" }]);
  });

  test.each(["first=-1", "count=0", "count=1000000", "count=x"])(
    "refuse a page of ?%s",
    async (query) => {
      const { status, body } = await get(`/api/topics?${query}`);
      expect(status).toBe(400);
      expect(body.error).toBe("invalid-request");
    },
  );

  test("show what was set for them", async () => {
    const { body } = await get("/api/topics/orders");
    expect(body).toMatchObject({
      name: "orders",
      configs: { "retention.ms": "1000" },
    });
  });

  test("that do not exist are not made by asking", async () => {
    for (const url of ["/api/topics/no", "/api/topics/no/partitions"]) {
      expect(await get(url)).toEqual({
        status: 404,
        body: {
          error: "unknown-topic-or-partition",
          message: "there is no topic no",
        },
      });
    }
  });

  test("show their partitions, with the error of one that cannot be read", async () => {
    const { body } = await get("/api/topics/orders/partitions");
    expect(body).toEqual({
      total: 3,
      partitions: [
        {
          partition: 0,
          leader: 5,
          leaderEpoch: 3,
          startOffset: 10,
          endOffset: 100,
          error: null,
          detail: null,
        },
        {
          partition: 1,
          leader: 5,
          leaderEpoch: 3,
          startOffset: null,
          endOffset: null,
          error: "storage-offline",
          detail: "the disk is gone",
        },
        {
          partition: 2,
          leader: 5,
          leaderEpoch: 3,
          startOffset: 0,
          endOffset: 7,
          error: null,
          detail: null,
        },
      ],
    });
  });
});

describe("groups", () => {
  test("are listed", async () => {
    expect(await get("/api/groups")).toEqual({
      status: 200,
      body: {
        total: 1,
        groups: [
          { group: "billing/eu", state: "Stable", protocolType: "consumer" },
        ],
      },
    });
  });

  test("show members, offsets and lag", async () => {
    const { body } = await get("/api/groups/billing%2Feu");
    expect(body).toEqual({
      group: "billing/eu",
      state: "Stable",
      protocolType: "consumer",
      assignor: "range",
      lag: 10,
      members: [
        {
          memberId: "m0",
          instanceId: null,
          clientId: "client",
          clientHost: "127.0.0.1",
        },
      ],
      offsets: [
        { topic: "orders", partition: 0, offset: 90, endOffset: 100, lag: 10 },
        {
          topic: "orders",
          partition: 1,
          offset: 3,
          endOffset: null,
          lag: null,
        },
      ],
    });
  });

  test("that nobody knows are not found", async () => {
    const { status, body } = await get("/api/groups/nobody");
    expect(status).toBe(404);
    expect(body.error).toBe("group-id-not-found");
  });

  test("are to be asked for again while they load", async () => {
    const loading: FakeBroker = { ...broker, groups: "loading" };
    for (const url of ["/api/groups", "/api/groups/billing"]) {
      const { status, body } = await get(url, loading);
      expect(status).toBe(503);
      expect(body.error).toBe("coordinator-loading");
    }
  });
});

test("the broker hears who asks", async () => {
  const seen: RequestContext[] = [];
  const app = await httpOver(broker, { seen });
  await app.inject("/api/topics/orders/partitions");
  expect(seen).toHaveLength(1);
  expect(seen[0]).toMatchObject({ ...context, clientHost: "127.0.0.1" });
  expect(seen[0]?.closed).toBeInstanceOf(AbortSignal);
});
