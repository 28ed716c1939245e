/**
 * Readers in the middle of what goes away: segments that are deleted, tails that
 * are cut back, a partition that is deleted and made anew under the same names.
 * Whatever the order in which the disk's calls end, a reader gets the bytes that
 * were at its offset, or is told that they are gone.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Disk } from "../../../broker/platform/disk.ts";
import { MemoryDisk } from "../../../broker/platform/memory/memory-disk.ts";
import { createNodePlatform } from "../../../broker/platform/node/node-platform.ts";
import type { PartitionLog } from "../../../broker/storage/partition-log.ts";
import { StorageError } from "../../../broker/storage/storage-error.ts";
import { createJitteryDisk } from "../../support/jittery-disk.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { createTemporaryDirectory } from "../../support/temporary-directory.ts";
import {
  TestStorage,
  batchOf,
  bytesOfPayload,
  partition,
  recordsIn,
} from "./support.ts";

/** A partition under its name, and what was written to it, by offset. */
interface Life {
  readonly log: PartitionLog;
  readonly topicId: string;
  readonly values: string[];
  isDeleted: boolean;
}

interface Seen {
  readCount: number;
  outOfRangeCount: number;
  goneCount: number;
}

const READERS = 6;
const STEPS = 40;
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

class Scene {
  readonly #random: SeededRandom;
  readonly #storage: TestStorage;
  readonly #seen: Seen;
  #life: Life;
  #lifeCount = 1;
  #isOver = false;

  constructor(
    random: SeededRandom,
    storage: TestStorage,
    seen: Seen,
    log: PartitionLog,
  ) {
    this.#random = random;
    this.#storage = storage;
    this.#seen = seen;
    const { topicId } = partition;
    this.#life = { log, topicId, values: [], isDeleted: false };
  }

  async play(): Promise<void> {
    const readers = Array.from({ length: READERS }, () => this.#readOnAndOn());
    try {
      for (let step = 0; step < STEPS; step++) await this.#act();
    } finally {
      this.#isOver = true;
      await Promise.all(readers);
    }
  }

  #below(count: number): number {
    return Math.floor(this.#random.fraction() * count);
  }

  async #act(): Promise<void> {
    const { log } = this.#life;
    const kind = this.#below(24);
    if (kind < 12) await this.#append();
    else if (kind < 14) await this.#failAppend();
    else if (kind < 16) {
      const offset = log.startOffset + this.#below(4);
      await log.deleteRecordsBefore(Math.min(offset, log.highWatermark));
    } else if (kind < 19) {
      const retentionSizeBytes = this.#below(3) * 200;
      await log.removeOldSegments({ retentionMs: null, retentionSizeBytes });
    } else if (kind < 20) await this.#recreate();
    else await this.#reopen();
    if (this.#below(3) === 0) await turn();
  }

  async #append(): Promise<void> {
    const { log, values } = this.#life;
    const value = `${this.#lifeCount}/${values.length}`.padEnd(this.#below(90));
    const appended = log.append(batchOf(value));
    if (appended.error !== null) throw new Error(appended.detail);
    expect(appended.baseOffset).toBe(values.length);
    values.push(value);
    await appended.written;
  }

  /** Its bytes reach the file in part, and are cut off again. */
  async #failAppend(): Promise<void> {
    this.#storage.disk.rule = ({ operation, path }) =>
      operation === "append" && path.endsWith(".log")
        ? { code: "ENOSPC", writtenSizeBytes: this.#below(70) }
        : null;
    const refused = this.#life.log.append(batchOf("never to be seen"));
    if (refused.error === null) await refused.written.catch(() => {});
    this.#storage.disk.rule = () => null;
  }

  async #recreate(): Promise<void> {
    const { directory, config } = this.#storage;
    if (directory === null) throw new Error("not open");
    this.#life.isDeleted = true;
    await directory.deleteLog(partition);
    const topicId = `${"A".repeat(20)}${String((this.#lifeCount++ % 90) + 10)}`;
    const { log } = await directory.openLog({ ...partition, topicId }, config);
    this.#life = { log, topicId, values: [], isDeleted: false };
  }

  /** What was written before is read from the files from now on. */
  async #reopen(): Promise<void> {
    const { directory, config } = this.#storage;
    if (directory === null) throw new Error("not open");
    const { values } = this.#life;
    this.#life.isDeleted = true;
    const { topicId } = this.#life;
    const { log } = await directory.reopenLog(
      { ...partition, topicId },
      config,
    );
    this.#life = { log, topicId, values, isDeleted: false };
  }

  async #readOnAndOn(): Promise<void> {
    while (!this.#isOver) {
      await turn();
      await this.#readOnce(this.#life);
    }
  }

  async #readOnce(life: Life): Promise<void> {
    const { log, values } = life;
    const end = log.highWatermark;
    const offset = this.#below(end + 1);
    const transfers = ["plain", "stream", "mapped"] as const;
    try {
      const result = await log.read({
        offset,
        sizeBytesMax: this.#below(500),
        minOneBatch: true,
        limit: "high-watermark",
        transfer: transfers[this.#below(3)] ?? "plain",
      });
      if (result.error === "offset-out-of-range") {
        this.#seen.outOfRangeCount++;
        expect(offset).toBeLessThan(log.startOffset);
        return;
      }
      if (result.error === "storage-offline" && life.isDeleted) {
        this.#seen.goneCount++;
        return;
      }
      expect(result.error).toBe(null);
      if (result.error !== null) return;
      // As a socket that is slow to take it.
      for (let turns = this.#below(6); turns > 0; turns--) await turn();
      const records = recordsIn(await bytesOfPayload(result.payload));
      if (offset < end) expect(records[0]?.offset).toBe(offset);
      for (const { offset: at, value } of records) {
        const text = new TextDecoder().decode(value ?? new Uint8Array());
        expect(text).toBe(values[at]);
      }
      if (records.length > 0) this.#seen.readCount++;
    } catch (error) {
      // Only of a partition that is gone nothing more can be said.
      if (!(error instanceof StorageError) || !life.isDeleted) throw error;
      this.#seen.goneCount++;
    }
  }
}

async function playOn(
  below: Disk,
  seed: number,
  seen: Seen,
  root = "",
): Promise<void> {
  const random = new SeededRandom(seed);
  const disk = createJitteryDisk(below, random, (path) => root + path);
  const storage = new TestStorage(
    // Some segments of one batch, some of several.
    { segmentSizeBytes: 300, indexIntervalSizeBytes: 100 },
    { openFilesMax: 16 },
    disk,
  );
  storage.disk.rule = () => null;
  const log = await storage.open();
  await new Scene(random, storage, seen, log).play();
  expect(storage.faults).toEqual([]);
  await storage.close();
}

test("readers get what was at their offset, or are told that it is gone", async () => {
  const seen: Seen = { readCount: 0, outOfRangeCount: 0, goneCount: 0 };
  await fc.assert(
    fc.asyncProperty(fc.nat(1_000_000), (seed) =>
      playOn(new MemoryDisk(), seed, seen),
    ),
    { numRuns: 12 },
  );
  // Otherwise nothing was tried.
  expect(seen.readCount).toBeGreaterThan(200);
  expect(seen.outOfRangeCount).toBeGreaterThan(10);
  expect(seen.goneCount).toBeGreaterThan(0);
}, 30_000);

test("also where files are mapped, and on the system's own disk", async () => {
  const seen: Seen = { readCount: 0, outOfRangeCount: 0, goneCount: 0 };
  for (const seed of [1, 2, 3]) {
    const directory = await createTemporaryDirectory();
    try {
      const { disk } = createNodePlatform();
      await playOn(disk, seed, seen, directory.path);
    } finally {
      await directory.remove();
    }
  }
  expect(seen.readCount).toBeGreaterThan(50);
}, 30_000);
