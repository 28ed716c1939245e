/**
 * The strangers of `bench/load`, fewer of them and in this process: whatever
 * they do, another client is served, and the broker closes when it is told to.
 */
import { expect, test } from "vitest";
import {
  Crowd,
  strangers,
  type StrangersName,
} from "../../bench/load/strangers.ts";
import { openBroker } from "../../broker/index.ts";
import {
  batchOf,
  createTopicBody,
  produce,
} from "../broker/server/kafka/support.ts";
import { KafkaConnection } from "../support/kafka-connection.ts";
import { Canary, CANARY } from "./canary.ts";

const crowds: readonly (readonly [StrangersName, number])[] = [
  ["slow consumers", 50],
  ["idle connections", 100],
  ["clients that never read", 20],
  ["one byte a second", 50],
  ["connects in a burst", 500],
  ["frames of 100 MB", 2],
];

/** The others leave by themselves, or are sent away. */
const staying: readonly StrangersName[] = [
  "slow consumers",
  "idle connections",
  "clients that never read",
  "one byte a second",
];

test.each(crowds)(
  "%s, %i of them: another client is served all the while",
  async (who, count) => {
    await using broker = await openBroker({
      listen: { host: "127.0.0.1", port: 0 },
    });
    const [address] = broker.addresses;
    if (address === undefined) throw new Error("listens nowhere");
    const own = await KafkaConnection.overTcp(address.port);
    for (const topic of [CANARY, "bench"]) {
      await own.request(19, 7, createTopicBody(topic));
    }
    // Something to read for those who do.
    const value = "x".repeat(500_000);
    for (let index = 0; index < 4; index += 1) {
      await produce(own, "bench", batchOf([value]));
    }
    const canary = new Canary(own);
    const crowd = new Crowd(address.port);
    const coming = strangers[who](crowd, count);
    for (let song = 0; song < 20; song += 1) await canary.sing();
    await coming;
    for (let song = 0; song < 20; song += 1) await canary.sing();
    if (staying.includes(who)) expect(crowd.count).toBe(count);
    crowd.leave();
    await canary.checkAll();
  },
  20_000,
);
