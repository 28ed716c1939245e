/**
 * A world: one broker on one medium, its clients, everything that is drawn for
 * it, and the checkers that see what is asked and answered.
 */
import { parseSettings } from "../../broker/options.ts";
import type { Settings } from "../../broker/options.ts";
import type { Disk } from "../../broker/platform/disk.ts";
import type { Driver } from "../../client/core/driver.ts";
import type { SeededRandom } from "../support/seeded-random.ts";
import { SimGroupMember } from "../support/sim-group-member.ts";
import type { Tamper } from "../support/sim-kafka-client.ts";
import { SimKafkaClient } from "../support/sim-kafka-client.ts";
import type { Observation, Place, Stop } from "../support/sim-observation.ts";
import { SimPipeline } from "../support/sim-pipeline.ts";
import { SimProducer } from "../support/sim-producer.ts";
import { SimReader } from "../support/sim-reader.ts";
import { SimTopicAdmin } from "../support/sim-topic-admin.ts";
import { SimTrimmer } from "../support/sim-trimmer.ts";
import type { Checker } from "./checkers/checker.ts";
import { createChecker } from "./checkers/all.ts";
import { drawFaultRates, Faults, noFaults } from "./faults.ts";
import type { FaultRates } from "./faults.ts";
import { SimBroker } from "./sim-broker.ts";
import { SimClients } from "./sim-clients.ts";
import type { Actor, ClientHandle } from "./sim-clients.ts";
import { SimNetwork } from "./sim-network.ts";
import { SimStorage } from "./sim-storage.ts";
import { Simulator } from "./simulator.ts";
import type { TraceSink } from "./simulator.ts";

/** A broker that is deliberately broken, in one way. */
export interface Canary {
  readonly disk?: (disk: Disk) => Disk;
  readonly answer?: Tamper;
  readonly driver?: (driver: Driver) => Driver;
}

export interface WorldOptions {
  readonly seed: number;
  readonly sink?: TraceSink | null;
  /** Instead of what the seed draws. */
  readonly rates?: Partial<FaultRates>;
  /** How long the first phase lasts. */
  readonly safetyMs?: number;
  /** How long anything may take to come to rest in the second. */
  readonly restMs?: number;
  readonly canary?: Canary;
}

/** What everybody works on. */
export const topics = {
  /** Read by a group; written at 1 or at -1. */
  input: "in",
  /** Copied by a pipeline; written at 1 or at -1. */
  feed: "feed",
  output: "out",
  deadLetters: "dead",
  /** Written at 1 and at -1, read without a group. */
  mixed: "mixed",
  /** Compacted; keys come again, and are taken away. Written at -1. */
  keyed: "keyed",
  /** Loses its beginning to retention, and to whoever deletes records. Written at -1. */
  trimmed: "trimmed",
} as const;
export const PARTITION_COUNT = 2;
const KEY_COUNT = 12;

export function partitionCountOf(topic: string): number {
  const isSmall = topic === topics.keyed || topic === topics.trimmed;
  return isSmall ? 1 : PARTITION_COUNT;
}

/** All partitions of these. */
function placesOf(...names: readonly string[]): readonly Place[] {
  return names.flatMap((topic) =>
    Array.from({ length: partitionCountOf(topic) }, (_, partition) => ({
      topic,
      partition,
    })),
  );
}

/** Longer than any time-out of anybody. */
const REST_MS_MAX = 300_000;
export const groups = { members: "members", pipeline: "pipe" } as const;
/** What each group reads. */
export const sources = [
  { group: groups.members, topic: topics.input },
  { group: groups.pipeline, topic: topics.feed },
] as const;

export interface Cast {
  readonly producers: readonly ClientHandle<SimProducer>[];
  readonly readers: readonly ClientHandle<Actor>[];
  readonly members: readonly ClientHandle<SimGroupMember>[];
  readonly pipelines: readonly ClientHandle<SimPipeline>[];
}

export class World {
  readonly simulator: Simulator;
  readonly storage = new SimStorage();
  readonly faults: Faults;
  /** Of the first phase. */
  readonly rates: FaultRates;
  readonly settings: Settings;
  readonly broker: SimBroker;
  readonly clients: SimClients;
  readonly #checker: Checker = createChecker();
  readonly #canary: Canary;
  readonly restMs: number;
  acknowledgedCount = 0;

  constructor(options: WorldOptions) {
    const simulator = new Simulator(options.seed, options.sink ?? null);
    this.simulator = simulator;
    this.#canary = options.canary ?? {};
    this.restMs = options.restMs ?? REST_MS_MAX;
    this.rates = { ...drawFaultRates(simulator.fork()), ...options.rates };
    this.faults = new Faults(simulator.fork(), noFaults);
    this.faults.lostPages = () => this.#stopped("lost-pages");
    this.settings = drawSettings(simulator.fork());
    const network = new SimNetwork(this.faults);
    this.broker = new SimBroker({
      simulator,
      storage: this.storage,
      network,
      faults: this.faults,
      settings: this.settings,
      stopped: (how) => {
        this.faults.count(how);
        this.#stopped(how);
      },
      wrapDisk: this.#canary.disk ?? ((disk) => disk),
    });
    this.clients = new SimClients({
      simulator,
      network,
      observe: (observation) => this.observe(observation),
      tamper: this.#canary.answer ?? null,
    });
  }

  /** Told to every checker; the first that throws ends the run. */
  observe(observation: Observation): void {
    this.simulator.trace("observed", describe(observation));
    if (observation.kind === "acknowledged") {
      this.acknowledgedCount += observation.ids.length;
    }
    try {
      this.#checker.see(observation);
    } catch (error) {
      this.simulator.fail(error);
    }
  }

  #stopped(how: Stop): void {
    this.observe({ kind: "stopped", how, call: this.clients.lastCall });
  }

  client(name: string): SimKafkaClient {
    return new SimKafkaClient(this.clients.context(name));
  }

  /** Everybody, at work from now on. */
  cast(): Cast {
    const { clients } = this;
    const random = this.simulator.fork();
    const producers: ClientHandle<SimProducer>[] = [];
    const addProducer = (
      place: Place,
      more: { readonly acks: 1 | -1; readonly keyCount?: number },
    ): void => {
      const paceMs = 5 + random.fraction() * 200;
      const options = { ...place, ...more, paceMs };
      const name = `p${producers.length}`;
      producers.push(
        clients.add(name, (context) => new SimProducer(context, options)),
      );
    };
    const someAcks = (): 1 | -1 => (random.fraction() < 0.6 ? -1 : 1);
    for (let partition = 0; partition < PARTITION_COUNT; partition += 1) {
      // At 1 a group may have read, and committed, what a power cut takes back.
      addProducer({ topic: topics.input, partition }, { acks: someAcks() });
      addProducer({ topic: topics.feed, partition }, { acks: someAcks() });
      addProducer({ topic: topics.mixed, partition }, { acks: 1 });
      addProducer({ topic: topics.mixed, partition }, { acks: -1 });
    }
    const trimmed = { topic: topics.trimmed, partition: 0 };
    addProducer(trimmed, { acks: -1 });
    const keyCount = 1 + random.integer(KEY_COUNT);
    addProducer({ topic: topics.keyed, partition: 0 }, { acks: -1, keyCount });
    const readers: ClientHandle<Actor>[] = [
      placesOf(topics.mixed, topics.keyed),
      placesOf(topics.input, topics.trimmed),
    ].map((places, index) =>
      clients.add(`r${index}`, (context) => new SimReader(context, places)),
    );
    readers.push(
      clients.add("t0", (context) => new SimTrimmer(context, trimmed)),
    );
    readers.push(
      clients.add("a0", (context) => new SimTopicAdmin(context, "extra")),
    );
    const group = {
      group: groups.members,
      topic: topics.input,
      partitionCount: PARTITION_COUNT,
    };
    const members = Array.from({ length: 1 + random.integer(3) }, (_, index) =>
      clients.add(`m${index}`, (context) => new SimGroupMember(context, group)),
    );
    const flow = {
      group: groups.pipeline,
      from: topics.feed,
      to: topics.output,
      deadLetters: topics.deadLetters,
    };
    const wrap = this.#canary.driver ?? ((driver: Driver) => driver);
    const pipelines = Array.from(
      { length: 1 + random.integer(2) },
      (_, index) =>
        clients.add(
          `f${index}`,
          (context) => new SimPipeline(context, flow, wrap),
        ),
    );
    return { producers, readers, members, pipelines };
  }
}

function drawSettings(random: SeededRandom): Settings {
  const one = <T>(...values: readonly T[]): T => {
    const value = values[random.integer(values.length)];
    if (value === undefined) throw new RangeError("nothing to draw from");
    return value;
  };
  return parseSettings({
    autoCreateTopics: false,
    groupSessionTimeoutMsMin: 1_000,
    openFilesMax: one(16, 512),
    visibility: one("page-cache", "page-cache", "durable"),
    transfer: one("mapped", "stream", "plain"),
    fetchSizeBytesMax: one(2_000, 1_000_000),
    queuedSizeBytesMax: one(65_536, 1_000_000),
    requestsInFlightMax: one(2, 100),
    connectionIdleMsMax: one(5_000, 600_000),
    offsetsPartitionCount: one(1, 3),
    retentionCheckIntervalMs: one(300, 1_500, 10_000),
    compactionCheckIntervalMs: one(300, 1_500, 10_000),
  });
}

/** One line, and the same on every machine. */
function describe(observation: Observation): string {
  const { kind, ...rest } = observation;
  const text = JSON.stringify(rest, (_key, value: unknown) => {
    if (value instanceof Uint8Array) return `${value.length} bytes`;
    if (value instanceof Map) return [...value];
    return value;
  });
  return `${kind} ${text}`;
}
