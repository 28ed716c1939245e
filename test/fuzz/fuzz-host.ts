/**
 * A broker under fire, and a canary beside the strangers: a client that goes on
 * producing and fetching, and must find at the end what it was told is there.
 *
 * The disk is in memory and the clock stands still unless it is moved, so that
 * a seed gives the same run again.
 */
import { MillraceBroker, startBroker } from "../../broker/broker.ts";
import { parseSettings, type Settings } from "../../broker/options.ts";
import type { Disk } from "../../broker/platform/disk.ts";
import { LoopbackNetwork } from "../../broker/platform/memory/loopback-network.ts";
import type { Connection } from "../../broker/platform/network.ts";
import { MemoryDisk } from "../../broker/platform/memory/memory-disk.ts";
import {
  createTopicBody,
  type LogLine,
} from "../broker/server/kafka/support.ts";
import { Canary, CANARY, TOPICS } from "./canary.ts";
import { KafkaConnection } from "../support/kafka-connection.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { FUZZ_FRAME_SIZE_BYTES_MAX } from "./kafka-requests.ts";

/** Small limits, so that they are met. */
const settings: Partial<Settings> = {
  frameSizeBytesMax: FUZZ_FRAME_SIZE_BYTES_MAX,
  partitionCountMax: 20,
  // Time is moved by days, and the canary's connection is to stay.
  connectionIdleMsMax: 2 ** 31 - 1,
};

const topicConfigs: Readonly<Record<string, Readonly<Record<string, string>>>> =
  {
    [CANARY]: { "retention.ms": "-1" },
    plain: {},
    compacted: { "cleanup.policy": "compact" },
    inflated: { "compression.type": "uncompressed" },
    stamped: {
      "message.timestamp.type": "LogAppendTime",
      "compression.type": "zstd",
    },
  };

export class FuzzHost {
  readonly broker: MillraceBroker;
  readonly clock: ManualClock;
  readonly lines: LogLine[];
  readonly canary: Canary;
  #connectionsCount = 0;
  /** Why the broker stopped by itself; null as long as it has not. */
  failure: unknown = null;

  constructor(broker: MillraceBroker, clock: ManualClock, lines: LogLine[]) {
    this.broker = broker;
    this.clock = clock;
    this.lines = lines;
    this.canary = new Canary(new KafkaConnection(this.connect().connection));
    broker.closed.catch((error: unknown) => {
      this.failure = error;
    });
  }

  /** New, with topics. */
  static async open(): Promise<FuzzHost> {
    const host = await FuzzHost.openOn(new MemoryDisk());
    await host.createTopics([CANARY, ...TOPICS]);
    return host;
  }

  /** With what lies on the disk. Throws what an embedder would be thrown. */
  static async openOn(disk: Disk): Promise<FuzzHost> {
    const clock = new ManualClock();
    const lines: LogLine[] = [];
    const logTo =
      (level: LogLine["level"]) => (fields: object, message: string) =>
        void lines.push({ level, message, fields });
    const broker = await startBroker({
      platform: {
        clock,
        disk,
        network: new LoopbackNetwork(clock),
        random: new SeededRandom(1),
      },
      settings: parseSettings(settings),
      directoryPath: "/data",
      clusterId: null,
      logger: {
        debug: logTo("debug"),
        info: logTo("info"),
        warn: logTo("warn"),
        error: logTo("error"),
      },
    });
    return new FuzzHost(broker, clock, lines);
  }

  /** A connection, and its number in the broker's log. */
  connect(): { readonly connection: Connection; readonly id: number } {
    this.#connectionsCount += 1;
    return { connection: this.broker.connect(), id: this.#connectionsCount };
  }

  /** Those that are there already stay: strangers delete them. */
  async createTopics(names: readonly string[]): Promise<void> {
    const connection = new KafkaConnection(this.connect().connection);
    for (const name of names) {
      const body = createTopicBody(name, 2, topicConfigs[name]);
      await connection.request(19, 7, body);
    }
    connection.close();
  }

  /** Warnings and the ends of connections, since the last call. */
  takeLines(): readonly LogLine[] {
    return this.lines
      .splice(0)
      .filter(
        ({ level, message }) =>
          level === "warn" ||
          level === "error" ||
          message.startsWith("connection closed"),
      );
  }

  /** Lets the broker work until `isDone`, without moving time; false: nothing more comes. */
  async workUntil(isDone: () => boolean): Promise<boolean> {
    for (let round = 0; round < 40; round += 1) {
      if (isDone()) return true;
      await this.clock.settle(2);
    }
    return isDone();
  }

  /** The same, moving time: whatever waits for a deadline has it behind it then. */
  async waitUntil(isDone: () => boolean): Promise<boolean> {
    for (const byMs of WAITS_MS) {
      if (await this.workUntil(isDone)) return true;
      await this.clock.advanceAndSettle(byMs);
      await this.canary.sing();
    }
    return this.workUntil(isDone);
  }
}

/** In all more than an int32 of ms, which is the longest that a request can name. */
const WAITS_MS = [600, 20_000, 3_600_000, 86_400_000, 2 ** 31];
