/**
 * Several strangers at once, each with many requests on its connection: good
 * ones for the most part, which build on what the broker told before (member
 * ids, generations, producer ids), and wild ones between them.
 */
import { test } from "vitest";
import { SeededRandom } from "../support/seeded-random.ts";
import { campaign, CAMPAIGN_TIMEOUT_MS } from "./campaign.ts";
import { TOPICS } from "./canary.ts";
import { onceIn, oneOf } from "./draw.ts";
import { FuzzHost } from "./fuzz-host.ts";
import { probe, Stranger } from "./kafka-judge.ts";
import {
  FUZZ_FRAME_SIZE_BYTES_MAX,
  plausibleFrame,
  statefulFrame,
  wildFrame,
} from "./kafka-requests.ts";
import { type Known, knownOf } from "./plausible-values.ts";

const SESSIONS_PER_ROUND = 8;
const STEPS_PER_SESSION = 60;

test(
  "sequences of requests on several connections, good and bad, are each answered or end theirs",
  { timeout: CAMPAIGN_TIMEOUT_MS },
  () =>
    campaign("kafka-sessions", { roundsCount: 5 }, async (seed) => {
      const random = new SeededRandom(seed);
      const known = knownOf(TOPICS);
      const host = await FuzzHost.open();
      for (let index = 0; index < SESSIONS_PER_ROUND; index += 1) {
        await session(host, random, known);
      }
      await host.canary.checkAll();
      await host.broker.close();
      await host.broker.closed;
    }),
);

interface Guest {
  readonly stranger: Stranger;
  readonly id: number;
}

function nextFrame(random: SeededRandom, known: Known): Uint8Array {
  if (onceIn(random, 40)) return wildFrame(random, known);
  return onceIn(random, 4)
    ? plausibleFrame(random, known)
    : statefulFrame(random, known);
}

function come(host: FuzzHost): Guest {
  const { connection, id } = host.connect();
  const stranger = new Stranger(connection, FUZZ_FRAME_SIZE_BYTES_MAX);
  return { stranger, id };
}

async function session(
  host: FuzzHost,
  random: SeededRandom,
  known: Known,
): Promise<void> {
  host.takeLines();
  const guests = [come(host), come(host), come(host)];
  for (let step = 0; step < STEPS_PER_SESSION; step += 1) {
    // Those who were sent away are followed by others.
    const present = guests.filter(({ stranger }) => !stranger.isClosed);
    const guest = present.length < 3 ? come(host) : oneOf(random, present);
    if (!guests.includes(guest)) guests.push(guest);
    const { stranger } = guest;
    stranger.send(nextFrame(random, known));
    // Some requests are sent on the heels of others.
    if (onceIn(random, 3)) continue;
    await host.workUntil(() => stranger.isSettled);
    stranger.observe(known);
    if (onceIn(random, 10)) await host.clock.advanceAndSettle(500);
    if (onceIn(random, 10)) await host.canary.sing();
    if (onceIn(random, 10)) await host.createTopics(TOPICS);
  }
  for (const { stranger } of guests) stranger.send(probe);
  await host.waitUntil(() =>
    guests.every(({ stranger }) => stranger.isSettled),
  );
  if (host.failure !== null) throw host.failure;
  const lines = host.takeLines();
  for (const { stranger, id } of guests) {
    const own = lines.filter(
      ({ fields }) => "connection" in fields && fields.connection === id,
    );
    stranger.judge(own, known);
    stranger.leave();
  }
}
