import { expect, test } from "vitest";
import { SeededRandom } from "../support/seeded-random.ts";
import { campaign, CAMPAIGN_TIMEOUT_MS } from "./campaign.ts";
import { onceIn } from "./draw.ts";
import { TOPICS } from "./canary.ts";
import { FuzzHost } from "./fuzz-host.ts";
import { probe, Stranger } from "./kafka-judge.ts";
import { FUZZ_FRAME_SIZE_BYTES_MAX, wildFrame } from "./kafka-requests.ts";
import { type Known, knownOf } from "./plausible-values.ts";

const CASES_PER_ROUND = 150;
/** No frame here is larger than 1 MB, so nothing may be reserved that is. */
const MEMORY_SIZE_BYTES_MAX = 64 * 1024 * 1024;

test(
  "any frame is answered or closes its connection with one line, and nobody else notices",
  { timeout: CAMPAIGN_TIMEOUT_MS },
  () =>
    campaign("kafka-frames", { roundsCount: 8 }, async (seed) => {
      const random = new SeededRandom(seed);
      const known = knownOf(TOPICS);
      const host = await FuzzHost.open();
      for (let index = 0; index < CASES_PER_ROUND; index += 1) {
        if (index % 10 === 0) await host.createTopics(TOPICS);
        const frame = wildFrame(random, known);
        try {
          await oneCase(host, random, known, frame);
        } catch (error) {
          const reason = error instanceof Error ? error.message : error;
          const hex = Buffer.from(frame).toString("hex").slice(0, 2_000);
          throw new Error(`case ${index}: ${String(reason)}\n${hex}`, {
            cause: error,
          });
        }
      }
      await host.canary.checkAll();
      await host.broker.close();
      await host.broker.closed;
    }),
);

async function oneCase(
  host: FuzzHost,
  random: SeededRandom,
  known: Known,
  frame: Uint8Array,
): Promise<void> {
  const before = process.memoryUsage().arrayBuffers;
  host.takeLines();
  const { connection } = host.connect();
  const stranger = new Stranger(connection, FUZZ_FRAME_SIZE_BYTES_MAX);
  stranger.send(frame);
  const song = onceIn(random, 5) ? host.canary.sing() : null;
  // Looked at when the stranger has had its turn.
  song?.catch(() => {});
  stranger.send(probe);
  await host.waitUntil(() => stranger.isSettled);
  await song;
  if (host.failure !== null) throw host.failure;
  stranger.judge(host.takeLines(), known);
  stranger.leave();
  const grown = process.memoryUsage().arrayBuffers - before;
  expect(grown).toBeLessThan(MEMORY_SIZE_BYTES_MAX);
}
