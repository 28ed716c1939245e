/**
 * Strangers of the compact protocol: hello and then anything, credit for what
 * was never subscribed to, positions that were never pushed, subscriptions
 * begun anew while pushes are under way, and frames that are none.
 */
import { expect, test } from "vitest";
import { PREFACE } from "../../broker/wire/compact/preface.ts";
import { helloBytes } from "../broker/server/compact/raw-client.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { campaign, CAMPAIGN_TIMEOUT_MS } from "./campaign.ts";
import { TOPICS } from "./canary.ts";
import { compactProbe, CompactStranger } from "./compact-judge.ts";
import {
  type CompactRequestDrawn,
  plausibleCompact,
  wildCompact,
} from "./compact-requests.ts";
import { onceIn, oneOf } from "./draw.ts";
import { FuzzHost } from "./fuzz-host.ts";
import { FUZZ_FRAME_SIZE_BYTES_MAX } from "./kafka-requests.ts";
import { goodBatch } from "./plausible-batches.ts";
import { type Known, knownOf } from "./plausible-values.ts";
import { KafkaConnection } from "../support/kafka-connection.ts";
import { produce } from "../broker/server/kafka/support.ts";

const SESSIONS_PER_ROUND = 8;
const STEPS_PER_SESSION = 60;

test(
  "sequences of compact requests, good and bad, are answered or end their connection",
  { timeout: CAMPAIGN_TIMEOUT_MS },
  () =>
    campaign("compact-sessions", { roundsCount: 5 }, async (seed) => {
      const random = new SeededRandom(seed);
      const known = knownOf(TOPICS);
      const host = await FuzzHost.open();
      const feeder = new KafkaConnection(host.connect().connection);
      for (let index = 0; index < SESSIONS_PER_ROUND; index += 1) {
        await host.createTopics(TOPICS);
        await session(host, random, known, feeder);
      }
      await host.canary.checkAll();
      await host.broker.close();
      await host.broker.closed;
    }),
);

/** Credit given, and how often a subscription was opened or changed. */
interface Granted {
  readonly creditSizeBytes: number;
  readonly count: number;
}

const none: Granted = { creditSizeBytes: 0, count: 0 };

interface Guest {
  readonly stranger: CompactStranger;
  readonly id: number;
  /** By subscription; null once something wild was sent. */
  granted: Map<number, Granted> | null;
}

function come(host: FuzzHost, random: SeededRandom): Guest {
  const { connection, id } = host.connect();
  const stranger = new CompactStranger(connection, FUZZ_FRAME_SIZE_BYTES_MAX);
  stranger.sendRaw(PREFACE);
  if (!onceIn(random, 30)) stranger.send(helloBytes);
  return { stranger, id, granted: new Map() };
}

async function session(
  host: FuzzHost,
  random: SeededRandom,
  known: Known,
  feeder: KafkaConnection,
): Promise<void> {
  host.takeLines();
  const guests: Guest[] = [];
  for (let step = 0; step < STEPS_PER_SESSION; step += 1) {
    const present = guests.filter(({ stranger }) => !stranger.isClosed);
    const guest =
      present.length < 3 ? come(host, random) : oneOf(random, present);
    if (!guests.includes(guest)) guests.push(guest);
    sendNext(guest, random, known);
    if (onceIn(random, 3)) continue;
    await host.workUntil(() => guest.stranger.isSettled);
    if (onceIn(random, 10)) await host.clock.advanceAndSettle(500);
    if (onceIn(random, 10)) await host.canary.sing();
    // Something to push.
    if (onceIn(random, 4)) {
      await produce(feeder, "plain", Uint8Array.from(goodBatch(random, known)));
    }
  }
  for (const { stranger } of guests) stranger.send(compactProbe);
  await host.waitUntil(() =>
    guests.every(({ stranger }) => stranger.isSettled),
  );
  if (host.failure !== null) throw host.failure;
  const lines = host.takeLines();
  for (const { stranger, id, granted } of guests) {
    stranger.judge(
      lines.filter(
        ({ fields }) => "connection" in fields && fields.connection === id,
      ),
    );
    for (const [subscription, { sizeBytes, most }] of stranger.pushed) {
      if (granted === null) break;
      const { creditSizeBytes, count } = granted.get(subscription) ?? none;
      // The last push of a subscription may overdraw its credit.
      expect(sizeBytes).toBeLessThanOrEqual(creditSizeBytes + count * most);
    }
    stranger.leave();
  }
}

function sendNext(guest: Guest, random: SeededRandom, known: Known): void {
  if (onceIn(random, 40)) {
    guest.stranger.send(wildCompact(random, known));
    guest.granted = null;
    return;
  }
  const request = plausibleCompact(random, known);
  guest.stranger.send(request.bytes);
  note(guest, request);
}

function note({ granted }: Guest, { name, body }: CompactRequestDrawn): void {
  if (name !== "subscribe" && name !== "credit") return;
  const id = Number(body["subscription"]);
  const { creditSizeBytes, count } = granted?.get(id) ?? none;
  const isSubscribe = name === "subscribe";
  const given = isSubscribe ? body["creditSizeBytes"] : body["sizeBytes"];
  granted?.set(id, {
    creditSizeBytes: creditSizeBytes + Number(given),
    count: count + (isSubscribe ? 1 : 0),
  });
}
