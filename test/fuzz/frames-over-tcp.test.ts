/**
 * The same frames over real sockets and on a real clock, so without moving
 * time: what may wait for longer than a test does is left waiting.
 */
import { expect, test } from "vitest";
import { openBroker } from "../../broker/index.ts";
import { NodeNetwork } from "../../broker/platform/node/node-network.ts";
import type { LogLine } from "../broker/server/kafka/support.ts";
import { createTopicBody } from "../broker/server/kafka/support.ts";
import { KafkaConnection } from "../support/kafka-connection.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { campaign, CAMPAIGN_TIMEOUT_MS } from "./campaign.ts";
import { Canary, CANARY, TOPICS } from "./canary.ts";
import { mayWait, probe, Stranger } from "./kafka-judge.ts";
import { FUZZ_FRAME_SIZE_BYTES_MAX, wildFrame } from "./kafka-requests.ts";
import { knownOf } from "./plausible-values.ts";

const CASES_PER_ROUND = 200;
/** What waits longer is looked at no further. */
const PATIENCE_MS = 300;

test(
  "over TCP a frame is answered or closes its connection with one line, too",
  { timeout: CAMPAIGN_TIMEOUT_MS },
  () => campaign("frames-over-tcp", { roundsCount: 2 }, round),
);

async function round(seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const known = knownOf(TOPICS);
  const lines: LogLine[] = [];
  await using broker = await openBroker({
    listen: { host: "127.0.0.1", port: 0 },
    frameSizeBytesMax: FUZZ_FRAME_SIZE_BYTES_MAX,
    partitionCountMax: 20,
    logger: {
      debug() {},
      info() {},
      warn: (fields, message) => lines.push({ level: "warn", message, fields }),
      error: (fields, message) =>
        lines.push({ level: "error", message, fields }),
    },
  });
  const [address] = broker.addresses;
  if (address === undefined) throw new Error("listens nowhere");
  const own = await KafkaConnection.overTcp(address.port);
  for (const name of [CANARY, ...TOPICS]) {
    await own.request(19, 7, createTopicBody(name, 2));
  }
  const canary = new Canary(own);
  const network = new NodeNetwork();
  for (let index = 0; index < CASES_PER_ROUND; index += 1) {
    const frame = wildFrame(random, known);
    const stranger = new Stranger(
      await network.connect(address),
      FUZZ_FRAME_SIZE_BYTES_MAX,
    );
    stranger.send(frame);
    stranger.send(probe);
    const song = canary.sing();
    const isSettled = await settles(stranger);
    await song;
    if (isSettled || !mayWait(frame)) {
      stranger.judge(lines.splice(0), known);
    }
    stranger.leave();
  }
  await canary.checkAll();
  expect(lines.filter(({ level }) => level === "error")).toEqual([]);
}

async function settles(stranger: Stranger): Promise<boolean> {
  const endMs = performance.now() + PATIENCE_MS;
  while (!stranger.isSettled) {
    if (performance.now() > endMs) return false;
    await new Promise<void>((resolve) => setTimeout(resolve, 1));
  }
  return true;
}
