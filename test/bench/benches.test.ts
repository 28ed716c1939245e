/** Benches run small here, so that they cannot rot. No figure of time is looked at. */
import { expect, test } from "vitest";
import { benchCompaction } from "../../bench/compaction.ts";
import { benchFetch } from "../../bench/fetch.ts";
import { benchInProcess } from "../../bench/in-process.ts";
import { benchLoad } from "../../bench/load/load.ts";
import { benchOpen, benchOpenCommits } from "../../bench/open.ts";
import { benchProduce } from "../../bench/produce.ts";
import { benchEmbeddedStart, benchServeStart } from "../../bench/start.ts";
import { benchSendFile } from "../../bench/zero-copy/send-file.ts";
import { ways } from "../../bench/zero-copy/ways.ts";

test("the produce bench sends what it says, with every acks", async () => {
  for (const acks of [1, -1] as const) {
    const figures = await benchProduce({
      recordSizeBytes: 100,
      acks,
      acksAll: "disk",
      recordsCount: 1_000,
      inFlightMax: 4,
    });
    expect(figures.recordsCount).toBeGreaterThanOrEqual(1_000);
  }
}, 30_000);

test("the compaction bench compacts, and every batch sent meanwhile is answered", async () => {
  const { idle, compacting, sizes } = await benchCompaction({
    acks: 1,
    batchesPerSecond: 100,
    tableSizeBytes: 2.5e6,
    keyCount: 5_000,
    segmentSizeBytes: 1024 ** 2,
    roundCount: 1,
  });
  for (const turn of [...idle, ...compacting]) {
    expect(turn.batchCount).toBeGreaterThan(10);
  }
  const [size] = sizes;
  expect(size?.after).toBeLessThan((size?.before ?? 0) / 1.5);
}, 60_000);

test("the load bench lets strangers come and go", async () => {
  const figures = await benchLoad({
    who: "slow consumers",
    count: 20,
    descriptorsMax: 256,
    roundCount: 1,
    turnMs: 100,
    batchesPerSecond: 100,
    storedSizeBytes: 1e6,
  });
  expect(figures.presentCount).toBe(20);
  expect(figures.p99Ms.with).toHaveLength(1);
}, 60_000);

test("the fetch bench reads every record, whatever the way", async () => {
  const figures = await benchFetch({
    recordSizeBytes: 1_000,
    totalSizeBytes: 3_000_000,
    transfers: ["mapped", "stream", "plain"],
    rounds: 1,
  });
  expect(figures.map(({ transfer }) => transfer)).toEqual([
    "mapped",
    "stream",
    "plain",
  ]);
  const counts = new Set(figures.map(({ recordsCount }) => recordsCount));
  expect(counts.size).toBe(1);
}, 60_000);

test("the bench in process reads what it sent", async () => {
  const figures = await benchInProcess({
    recordSizeBytes: 100,
    recordsCount: 2_000,
  });
  expect(figures.recordsCount).toBe(2_000);
}, 30_000);

test("each way of sending a file delivers the same bytes, all of them", async () => {
  const fileSizeBytes = 3_000_000;
  const figures = await benchSendFile({ fileSizeBytes, times: 2 });
  expect(figures.map(({ way }) => way)).toEqual(ways);
  for (const { receivedSizeBytes, hash } of figures) {
    expect(receivedSizeBytes).toBe(2 * fileSizeBytes);
    expect(hash).toBe(figures[0]?.hash);
  }
}, 60_000);

test("the bench of starting gets a record acknowledged both ways", async () => {
  const embedded = await benchEmbeddedStart(1);
  expect(embedded.withImportMs).toBeGreaterThan(embedded.firstAckMs);
  const serve = await benchServeStart(1);
  expect(serve.firstAckMs).toBeGreaterThan(serve.listeningMs);
  expect(serve.idleRssBytes).toBeGreaterThan(1e6);
}, 60_000);

test("the bench of opening finds the newest record, and the offsets", async () => {
  for (const isKilled of [false, true]) {
    const opened = await benchOpen({ totalSizeBytes: 2_000_000, isKilled });
    expect(opened.firstFetchMs).toBeGreaterThan(opened.openMs);
  }
  const { commitCount } = await benchOpenCommits(1_000);
  expect(commitCount).toBe(1_000);
}, 60_000);
