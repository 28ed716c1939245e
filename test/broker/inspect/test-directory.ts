/**
 * A data directory on a memory disk that a whole broker wrote: catalog, groups,
 * and a topic `orders` whose partition 0 has several small segments. Stopped,
 * damaged, looked at, repaired, served again.
 */
import { type MillraceBroker, startBroker } from "../../../broker/broker.ts";
import type { Finding } from "../../../broker/inspect/finding.ts";
import {
  repairDirectory,
  RepairPlan,
} from "../../../broker/inspect/repair-directory.ts";
import { VerifyContext } from "../../../broker/inspect/verify-context.ts";
import {
  type Verified,
  verifyDirectory,
} from "../../../broker/inspect/verify-directory.ts";
import { parseSettings } from "../../../broker/options.ts";
import type { Disk } from "../../../broker/platform/disk.ts";
import { LoopbackNetwork } from "../../../broker/platform/memory/loopback-network.ts";
import { MemoryDisk } from "../../../broker/platform/memory/memory-disk.ts";
import { openDataDirectory } from "../../../broker/storage/data-directory.ts";
import { defaultLogConfig } from "../../../broker/storage/log-config.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import {
  append,
  batchOf,
  bytesOfPayload,
  recordsIn,
} from "../storage/support.ts";

export const directory = "/data";
export const firstLog = "orders-0/00000000000000000000.log";

const context = {
  principal: "User:ANONYMOUS",
  clientId: "test",
  clientHost: "127.0.0.1",
  listener: "test",
  connectionId: 1,
  closed: new AbortController().signal,
};

export class TestDirectory {
  readonly disk: Disk;
  readonly clock = new ManualClock();
  /** Of whoever asks the broker for something. */
  readonly context = context;

  constructor(disk: Disk = new MemoryDisk()) {
    this.disk = disk;
  }

  /** `segments` small segments of `batches` batches each, two records a batch. */
  static async make(
    options: {
      readonly segments?: number;
      readonly batches?: number;
      readonly isClean?: boolean;
    } = {},
  ): Promise<TestDirectory> {
    const made = new TestDirectory();
    const { segments = 3, batches = 4, isClean = true } = options;
    const topicId = await made.createTopics();
    await made.fill(topicId, { segments, batches, isClean });
    return made;
  }

  /** The same directory on another disk. */
  async copy(disk: Disk = new MemoryDisk()): Promise<TestDirectory> {
    const copyAll = async (path: string): Promise<void> => {
      await disk.createDirectory(path);
      for (const { name, isDirectory } of await this.disk.list(path)) {
        const from = `${path}/${name}`;
        if (isDirectory) await copyAll(from);
        else {
          const file = await disk.open(from, "create");
          await file.append([
            await this.bytesOf(from.slice(directory.length + 1)),
          ]);
          await file.close();
        }
      }
    };
    await copyAll(directory);
    return new TestDirectory(disk);
  }

  async openBroker(disk = this.disk): Promise<MillraceBroker> {
    return startBroker({
      platform: {
        clock: this.clock,
        disk,
        network: new LoopbackNetwork(this.clock),
        random: new SeededRandom(1),
      },
      settings: parseSettings({}),
      directoryPath: directory,
      clusterId: null,
      logger: { debug() {}, info() {}, warn() {}, error() {} },
    });
  }

  /** Two topics, and a group that committed; answers the id of `orders`. */
  async createTopics(): Promise<string> {
    const broker = await this.openBroker();
    const { topics, produce } = broker.operations;
    for (const name of ["orders", "empty", "others"]) {
      await this.createTopic(broker, name);
    }
    const produced = await produce(context, {
      acks: -1,
      timeoutMs: 1_000,
      transactionalId: null,
      partitions: [
        { topic: "others", partition: 0, records: batchOf("another") },
      ],
    }).results;
    if (produced[0]?.error !== null) throw new Error("not produced");
    await this.commitOffset(broker);
    const [described] = await topics.describe(context, {
      topics: [{ name: "orders", id: null }],
      mayCreate: false,
    });
    await broker.close();
    if (described?.error !== null) throw new Error("not described");
    return described.topic.id;
  }

  async createTopic(broker: MillraceBroker, name: string): Promise<void> {
    const created = await broker.operations.topics.create(context, {
      topics: [
        {
          name,
          partitionCount: 2,
          replicationFactor: null,
          assignments: [],
          configs: [],
        },
      ],
      validateOnly: false,
    });
    const answer = created.error === null ? created.answer.get(name) : created;
    if (answer?.error !== null) throw new Error(answer?.error);
  }

  /** By a group that has no members, once its coordinator is loaded. */
  async commitOffset(broker: MillraceBroker): Promise<void> {
    let committed: string | null = "not yet";
    for (let attempt = 0; committed !== null; attempt++) {
      if (attempt === 1000) throw new Error(`not committed: ${committed}`);
      const [answer] = await broker.operations.commitOffsets(context, {
        groupId: "readers",
        memberId: null,
        instanceId: null,
        generation: null,
        retentionMs: null,
        topics: [
          {
            topic: "orders",
            partitions: [
              { partition: 0, offset: 0, leaderEpoch: null, metadata: "" },
            ],
          },
        ],
      });
      committed = answer?.partitions[0]?.error ?? null;
    }
  }

  /** Written without a broker, which would not make segments so small. */
  async fill(
    topicId: string,
    options: {
      readonly segments: number;
      readonly batches: number;
      readonly isClean: boolean;
    },
  ): Promise<void> {
    const { disk, clock } = this;
    const batchSizeBytes = batchOf({ values: ["a0", "b0"] }).length;
    const platform = { disk, clock, random: new SeededRandom(7) };
    const opened = await openDataDirectory(directory, platform, {
      clusterId: null,
      nodeId: 1,
      openFilesMax: 16,
      visibility: "page-cache",
      onFault: (_at, fault) => {
        throw fault;
      },
    });
    const at = { topic: "orders", partition: 0, topicId };
    const { log } = await opened.openLog(at, {
      ...defaultLogConfig,
      segmentSizeBytes: options.batches * batchSizeBytes,
      indexIntervalSizeBytes: batchSizeBytes - 1,
    });
    for (
      let number = 0;
      number < options.segments * options.batches;
      number++
    ) {
      const name = number % 10;
      await append(log, {
        values: [`a${name}`, `b${name}`],
        timestampMs: 1_700_000_000_000 + number * 10,
        producer: { id: 5, epoch: 0, baseSequence: number * 2 },
      });
    }
    await opened.close({ isClean: options.isClean });
  }

  async verify(
    options: { readonly records?: boolean } = {},
  ): Promise<Verified & { readonly findings: readonly Finding[] }> {
    const findings: Finding[] = [];
    const verified = await verifyDirectory(
      new VerifyContext(
        this.disk,
        directory,
        { records: options.records ?? false },
        { finding: (one) => void findings.push(one), progress: () => {} },
      ),
    );
    return { ...verified, findings };
  }

  /** `kind path:position`, one a finding. */
  async found(options: { readonly records?: boolean } = {}): Promise<string[]> {
    const { findings } = await this.verify(options);
    return findings.map(
      ({ severity, kind, path, position }) =>
        `${severity} ${kind} ${path}${position === null ? "" : `:${position}`}`,
    );
  }

  /** Verifies and does what can be done about it; the side folder's name, or null where there was nothing to do. */
  async repair(disk = this.disk): Promise<{
    readonly plan: RepairPlan;
    readonly keptIn: string | null;
  }> {
    const plan = new RepairPlan();
    const told = {
      finding: (one: Finding) => plan.add(one),
      progress: () => {},
    };
    const options = { records: false };
    const context = new VerifyContext(disk, directory, options, told);
    const { traits } = await verifyDirectory(context);
    if (plan.steps.length === 0) return { plan, keptIn: null };
    const platform = { disk, clock: this.clock };
    const keptIn = await repairDirectory(platform, directory, plan, traits);
    return { plan, keptIn };
  }

  async bytesOf(path: string): Promise<Uint8Array> {
    const file = await this.disk.open(`${directory}/${path}`, "read");
    const bytes = new Uint8Array(file.sizeBytes);
    await file.read(bytes, 0);
    await file.close();
    return bytes;
  }

  async write(path: string, bytes: Uint8Array | string): Promise<void> {
    const file = await this.disk.open(`${directory}/${path}`, "create");
    await file.append([
      typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes,
    ]);
    await file.close();
  }

  async change(
    path: string,
    change: (bytes: Uint8Array) => Uint8Array,
  ): Promise<void> {
    await this.write(path, change(await this.bytesOf(path)));
  }

  /** As if the last stop had not been clean, and nothing had been synced before it. */
  async crash(): Promise<void> {
    await this.disk.remove(`${directory}/.kafka_cleanshutdown`);
    await this.disk.remove(`${directory}/recovery-point-offset-checkpoint`);
  }

  /** `offset:value` of all that a broker serves of `orders-0`; the broker is stopped again. */
  async served(): Promise<string[]> {
    const broker = await this.openBroker();
    try {
      return await servedBy(broker);
    } finally {
      await broker.close();
    }
  }
}

/** The values of `orders-0`, with their offsets. */
export async function servedBy(broker: MillraceBroker): Promise<string[]> {
  const at = { topic: "orders", partition: 0 };
  const found: string[] = [];
  let offset = 0;
  for (;;) {
    const [answer] = await broker.operations.fetch(context, {
      waitMsMax: 0,
      sizeBytesMin: 0,
      sizeBytesMax: 1_000_000,
      isolation: "read_uncommitted",
      partitions: [
        { ...at, offset, sizeBytesMax: 1_000_000, leaderEpoch: null },
      ],
    });
    if (answer?.error !== null) {
      if (answer?.startOffset != null && answer.startOffset > offset) {
        offset = answer.startOffset;
        continue;
      }
      throw new Error(`at ${offset}: ${answer?.error} ${answer?.detail ?? ""}`);
    }
    const records = recordsIn(await bytesOfPayload(answer.payload));
    for (const record of records) {
      if (record.offset < offset) continue;
      const value = new TextDecoder().decode(record.value ?? new Uint8Array());
      found.push(`${record.offset}:${value}`);
    }
    const last = records.at(-1);
    if (last === undefined) return found;
    offset = last.offset + 1;
  }
}
