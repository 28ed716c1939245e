/**
 * A whole broker in which nothing is left to chance: a memory disk, a clock
 * that stands still, seeded randomness. The same requests leave the same bytes.
 */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { type MillraceBroker, startBroker } from "../../broker/broker.ts";
import type { Logger } from "../../broker/options.ts";
import { parseSettings } from "../../broker/options.ts";
import { LoopbackNetwork } from "../../broker/platform/memory/loopback-network.ts";
import { MemoryDisk } from "../../broker/platform/memory/memory-disk.ts";
import { KafkaConnection } from "../support/kafka-connection.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { SeededRandom } from "../support/seeded-random.ts";

export const firstMs = 1_700_000_000_000;
export const directoryPath = "/data";
export const goldenBootId = "2f0a8c1e-5d7b-4e63-9a0f-1c2d3e4f5a6b";

/** A directory's files by their path in it. */
export type Tree = ReadonlyMap<string, Uint8Array>;

export class GoldenBroker {
  readonly broker: MillraceBroker;
  readonly clock: ManualClock;
  readonly disk: MemoryDisk;
  readonly connection: KafkaConnection;
  readonly warnings: string[];

  constructor(
    parts: Pick<GoldenBroker, "broker" | "clock" | "disk" | "connection"> & {
      readonly warnings: string[];
    },
  ) {
    this.broker = parts.broker;
    this.clock = parts.clock;
    this.disk = parts.disk;
    this.connection = parts.connection;
    this.warnings = parts.warnings;
  }

  /** The seed also decides which ids are given, so no two openings share one. */
  static async open(
    disk: MemoryDisk,
    seed: number,
    nowMs = firstMs,
  ): Promise<GoldenBroker> {
    const clock = new ManualClock(nowMs);
    const network = new LoopbackNetwork(clock);
    const warnings: string[] = [];
    const warn: Logger["warn"] = (_fields, message) => {
      warnings.push(message);
    };
    const broker = await startBroker({
      platform: { clock, disk, network, random: new SeededRandom(seed) },
      settings: parseSettings({}),
      directoryPath,
      clusterId: null,
      logger: { debug() {}, info() {}, warn, error: warn },
    });
    const at = { host: "127.0.0.1", port: 9092 };
    await broker.listen(at);
    const connection = new KafkaConnection(await network.connect(at));
    return new GoldenBroker({ broker, clock, disk, connection, warnings });
  }

  /** Moves time on, and lets what has become due be done. */
  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    for (let count = 0; count < 200; count++) await turn();
  }

  async close(): Promise<void> {
    this.connection.close();
    await this.broker.close();
  }
}

/** What a process that is killed now leaves behind. */
export async function treeOf(disk: MemoryDisk): Promise<Tree> {
  const tree = new Map<string, Uint8Array>();
  const walk = async (directory: string, prefix: string): Promise<void> => {
    const entries = await disk.list(directory);
    for (const { name, isDirectory } of [...entries].sort(byName)) {
      const from = `${directory}/${name}`;
      if (isDirectory) {
        await walk(from, `${prefix}${name}/`);
        continue;
      }
      const file = await disk.open(from, "read");
      const bytes = new Uint8Array(file.sizeBytes);
      if (bytes.length > 0) await file.read(bytes, 0);
      await file.close();
      tree.set(prefix + name, bytes);
    }
  };
  await walk(directoryPath, "");
  return tree;
}

/** A disk with these files, in the boot that they were written in, or in another. */
export async function diskOf(
  tree: Tree,
  bootId: string = goldenBootId,
): Promise<MemoryDisk> {
  const disk = new MemoryDisk({ bootId });
  await disk.createDirectory(directoryPath);
  for (const [name, bytes] of tree) {
    const to = `${directoryPath}/${name}`;
    await disk.createDirectory(path.posix.dirname(to));
    const file = await disk.open(to, "create");
    if (bytes.length > 0) await file.append([new Uint8Array(bytes)]);
    await file.close();
  }
  return disk;
}

export async function writeTree(folder: string, tree: Tree): Promise<void> {
  for (const [name, bytes] of tree) {
    const to = path.join(folder, name);
    await mkdir(path.dirname(to), { recursive: true });
    await writeFile(to, bytes);
  }
}

export async function readTree(folder: string): Promise<Tree> {
  const entries = await readdir(folder, {
    recursive: true,
    withFileTypes: true,
  });
  const tree = new Map<string, Uint8Array>();
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const from = path.join(entry.parentPath, entry.name);
    const name = path.relative(folder, from).split(path.sep).join("/");
    tree.set(name, await readFile(from));
  }
  return tree;
}

function byName(a: { readonly name: string }, b: { readonly name: string }) {
  return a.name < b.name ? -1 : 1;
}
