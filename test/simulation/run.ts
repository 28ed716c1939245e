/**
 * One run of one seed, from an empty disk to the last question.
 *
 *   1. A broker is opened and topics are made; nothing fails yet.
 *   2. Safety: everybody works while things fail as `faults.ts` says.
 *   3. Liveness: nothing fails any more. Everything that was under way must
 *      come to rest: producers are answered, groups settle, the pipeline ends.
 *   4. Everything that is there is read, and held against what was promised.
 *   5. The broker is killed, loses its power and is stopped cleanly, at rest:
 *      each time it must know afterwards what it knew before. Its indexes are
 *      taken away, and must be built anew as they were.
 */
import { noFaults } from "./faults.ts";
import { compareRebuiltIndexes } from "./index-rebuild.ts";
import { SimulationStuck } from "./simulator.ts";
import { nameOf } from "./checkers/checker.ts";
import {
  audit,
  boundsOf,
  epochBefore,
  surveyGroup,
  surveyState,
} from "./survey.ts";
import type { SeededRandom } from "../support/seeded-random.ts";
import type { SimKafkaClient } from "../support/sim-kafka-client.ts";
import {
  groups,
  PARTITION_COUNT,
  partitionCountOf,
  sources,
  topics,
  World,
} from "./world.ts";
import type { Cast, WorldOptions } from "./world.ts";

export interface RunResult {
  readonly seed: number;
  readonly traceHash: string;
  readonly eventCount: number;
  readonly acknowledgedCount: number;
  /** By kind. */
  readonly faults: ReadonlyMap<string, number>;
}

const SAFETY_MS_MIN = 5_000;
const SAFETY_MS_MAX = 40_000;

/** Throws what went wrong: a broken promise, a stuck world, a bug of the broker. */
export async function runSeed(options: WorldOptions): Promise<RunResult> {
  const world = new World(options);
  const { simulator, faults, broker } = world;
  broker.start();
  await settles(world, "the first opening", () => broker.isReady);
  const client = world.client("survey");
  await work(world, "making topics", () => makeTopics(world, client));

  const cast = world.cast();
  faults.rates = world.rates;
  const stopFaults = startFaults(world);
  const spreadMs = SAFETY_MS_MAX - SAFETY_MS_MIN;
  const drawnMs = SAFETY_MS_MIN + simulator.random.fraction() * spreadMs;
  await simulator.runUntil(() => false, options.safetyMs ?? drawnMs);
  stopFaults();

  await comeToRest(world, cast, client);
  await work(world, "reading everything", () => readEverything(client));
  await stopEverybody(world, cast);
  for (const how of ["kill", "power-cut", "clean-stop"] as const) {
    await checkReplay(world, client, how);
  }
  await work(world, "the last stop", () => broker.close());
  await work(world, "rebuilding indexes", () => compareRebuiltIndexes(world));
  return {
    seed: options.seed,
    traceHash: simulator.traceHash,
    eventCount: simulator.eventCount,
    acknowledgedCount: world.acknowledgedCount,
    faults: faults.counts,
  };
}

async function makeTopics(world: World, client: SimKafkaClient): Promise<void> {
  const random = world.simulator.fork();
  for (const name of Object.values(topics)) {
    // Small segments: an index of few entries ends one.
    const interval = 100 + random.integer(1_000);
    const configs = [
      { name: "index.interval.bytes", value: `${interval}` },
      { name: "segment.index.bytes", value: `${8 * (2 + random.integer(30))}` },
      ...cleanupConfigs(name, random),
    ];
    await client.call(19, 7, {
      topics: [
        {
          name,
          numPartitions: partitionCountOf(name),
          replicationFactor: 1,
          assignments: [],
          configs,
        },
      ],
      timeoutMs: 5_000,
      validateOnly: false,
    });
    const retention = configs.find((config) => config.name === "retention.ms");
    if (retention === undefined) continue;
    const retentionMs = Number(retention.value);
    client.context.observe({ kind: "retained", topic: name, retentionMs });
  }
}

/** What lets old records go, where something does. */
function cleanupConfigs(name: string, random: SeededRandom) {
  const one = (...values: readonly number[]): string =>
    `${values[random.integer(values.length)] ?? 0}`;
  if (name === topics.keyed) {
    return [
      { name: "cleanup.policy", value: "compact" },
      { name: "min.cleanable.dirty.ratio", value: one(0.01, 0.5) },
      { name: "delete.retention.ms", value: one(0, 2_000, 3_600_000) },
    ];
  }
  if (name !== topics.trimmed) return [];
  return random.fraction() < 0.5
    ? [{ name: "retention.ms", value: `${1_000 + random.integer(8_000)}` }]
    : [{ name: "retention.bytes", value: `${random.integer(30_000)}` }];
}

/** What comes by itself and not with a call; answers how to end it. */
function startFaults(world: World): () => void {
  const { simulator, rates, faults, broker, clients, storage } = world;
  const random = simulator.fork();
  let isOver = false;
  const repeat = (everyMs: number, what: string, strike: () => void): void => {
    const nextMs = faults.nextInMs(everyMs);
    if (nextMs === null) return;
    simulator.schedule(nextMs, "fault", what, () => {
      if (isOver) return;
      strike();
      repeat(everyMs, what, strike);
    });
  };
  repeat(rates.killEveryMs, "kill", () => {
    if (broker.isUp) broker.stop("kill");
  });
  repeat(rates.powerCutEveryMs, "power cut", () => {
    if (broker.isUp) broker.stop("power-cut");
  });
  repeat(rates.cleanStopEveryMs, "clean stop", () => {
    if (!broker.isUp) return;
    void broker.close().then(() => broker.start());
  });
  repeat(rates.clientKillEveryMs, "client", () => {
    faults.count("client killed");
    clients.kill(random.integer(clients.count));
  });
  repeat(rates.fullDiskEveryMs, "full disk", () => {
    faults.count("full disk");
    storage.capacitySizeBytes = storage.usedSizeBytes + random.integer(20_000);
    simulator.schedule(random.fraction() * 4_000, "fault", "room", () => {
      storage.capacitySizeBytes = Number.POSITIVE_INFINITY;
    });
  });
  return () => {
    isOver = true;
    faults.rates = noFaults;
    storage.capacitySizeBytes = Number.POSITIVE_INFINITY;
  };
}

async function comeToRest(
  world: World,
  cast: Cast,
  client: SimKafkaClient,
): Promise<void> {
  const { broker, clients } = world;
  // What went offline comes back with an opening.
  if (broker.isUp) broker.stop("kill");
  await settles(world, "opening without faults", () => broker.isReady);
  await settles(world, "clients coming back", () => clients.areAllAlive);
  for (const { actor } of cast.producers) actor.stop();
  await settles(world, "producers being answered", () =>
    cast.producers.every(({ actor }) => actor.isIdle),
  );
  await work(world, "groups reaching the end", () => groupsEnd(client));
}

/** Resolves once both groups have read, and committed, everything. */
async function groupsEnd(client: SimKafkaClient): Promise<void> {
  for (let partition = 0; partition < PARTITION_COUNT; partition += 1) {
    for (const { group, topic } of sources) {
      const place = { topic, partition };
      const { endOffset } = await boundsOf(client, place);
      if (endOffset === 0) continue;
      // An offset may be one of a tail that was lost: where others lie there now,
      // they are of a later epoch; where nothing does, nothing is left to read.
      const epoch = await epochBefore(client, place, endOffset);
      for (;;) {
        const committed = await surveyGroup(client, group);
        const text = committed.get(`${group} ${nameOf(place)}`);
        const [offset, , lastEpoch] = (text ?? "").split(" ").map(Number);
        if ((offset ?? 0) >= endOffset && (lastEpoch ?? -1) >= epoch) break;
        await client.pause();
      }
    }
  }
}

/** Results before inputs, as the pipeline is done with an input whose results are there. */
async function readEverything(client: SimKafkaClient): Promise<void> {
  for (const topic of [
    topics.output,
    topics.deadLetters,
    topics.mixed,
    topics.feed,
    topics.input,
    topics.keyed,
    topics.trimmed,
  ]) {
    const partitionCount = partitionCountOf(topic);
    for (let partition = 0; partition < partitionCount; partition += 1) {
      const records = await audit(client, { topic, partition });
      if (topic !== topics.output && topic !== topics.deadLetters) continue;
      for (const { id } of records) {
        const settled = { group: groups.pipeline, topic, partition, id };
        client.context.observe({ kind: "settled", ...settled });
      }
    }
  }
}

async function stopEverybody(world: World, cast: Cast): Promise<void> {
  const everybody = [...cast.readers, ...cast.members, ...cast.pipelines];
  for (const { actor } of everybody) actor.stop();
  await settles(world, "everybody stopping", () =>
    everybody.every(({ actor }) => actor.isIdle),
  );
}

async function checkReplay(
  world: World,
  client: SimKafkaClient,
  how: "kill" | "power-cut" | "clean-stop",
): Promise<void> {
  const { broker } = world;
  const names = Object.values(groups);
  const survey = async () => {
    const state = new Map(await surveyState(client, names));
    // Its beginning goes away all the time.
    for (const [name, text] of state) {
      if (!name.startsWith(`log ${topics.trimmed}`)) continue;
      state.set(name, text.replace(/^\d+/, "somewhere"));
    }
    // Of what was acknowledged at 1 only, some may be lost.
    if (how === "power-cut") {
      for (const name of state.keys()) {
        if (/^log (extra|mixed)/.test(name)) state.delete(name);
      }
    }
    return state;
  };
  const before = await work(world, "looking before", survey);
  if (how === "clean-stop") {
    await work(world, "a clean stop", () => broker.close());
    broker.start();
  } else broker.stop(how);
  await settles(world, `opening after a ${how}`, () => broker.isReady);
  const after = await work(world, "looking after", survey);
  world.observe({ kind: "replayed", how, before, after });
}

/** Runs the world until the condition holds. Throws where it never does. */
async function settles(
  world: World,
  what: string,
  condition: () => boolean,
): Promise<void> {
  if (await world.simulator.runUntil(condition, world.restMs)) return;
  throw new SimulationStuck(`${what} has no end`);
}

/** Runs the world until the work is done. */
async function work<T>(
  world: World,
  what: string,
  begin: () => Promise<T>,
): Promise<T> {
  let done: { readonly value: T } | null = null;
  begin().then(
    (value) => {
      done = { value };
    },
    (error: unknown) => world.simulator.fail(error),
  );
  await settles(world, what, () => done !== null);
  return (done as unknown as { readonly value: T }).value;
}
