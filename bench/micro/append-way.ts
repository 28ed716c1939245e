/**
 * How an append should reach the file: `node bench/micro/append-way.ts` prints
 * the figures behind docs/decisions/0012-how-an-append-is-written.md.
 *
 * - one partition at full speed, and many partitions with small batches, each
 *   written synchronously (one `writev` a log and turn) and asynchronously (the
 *   appends of later turns gather behind the write that runs);
 * - the same with only so many asynchronous writes in flight at a time;
 * - a disk that stalls for a second: how long the event loop stands, and how
 *   long a read of another file takes that goes through the same thread pool.
 *
 * The stall is a real one: a pipe that is full until a thread empties it.
 */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { performance } from "node:perf_hooks";
import { Worker } from "node:worker_threads";
import type { DiskFile } from "../../broker/platform/disk.ts";
import { plainMaps } from "../../broker/platform/node/mmap/plain.ts";
import { NodeDisk } from "../../broker/platform/node/node-disk.ts";

export interface AppendRun {
  readonly partitionCount: number;
  readonly batchSizeBytes: number;
  /** Of each partition, in each turn of the event loop. */
  readonly batchesPerTurn: number;
  readonly turnCount: number;
  /** The next turn begins when everything is written; else at once. */
  readonly isClosedLoop: boolean;
}

export interface AppendFigures {
  /** All bytes that arrived in the files: the same for each way. */
  readonly sizeBytes: number;
  readonly wallMs: number;
  readonly cpuMs: number;
  /** From the turn that appended to the write's return, median. */
  readonly latencyMs: number;
}

export type Way = "sync" | "async" | "async-2" | "async-1";

/** Gathers the appends of one file; what gathers while a write runs, goes out in the next. */
class Log {
  readonly #file: DiskFile;
  readonly #lane: Lane;
  #gathered: Uint8Array[] = [];
  #last: Promise<void> = Promise.resolve();
  #next: Promise<void> | null = null;

  constructor(file: DiskFile, lane: Lane) {
    this.#file = file;
    this.#lane = lane;
  }

  append(batch: Uint8Array): void {
    this.#gathered.push(batch);
  }

  flushSync(): void {
    this.#file.appendSync(this.#gathered);
    this.#gathered = [];
  }

  /** Resolves when everything gathered so far is written. */
  flush(): Promise<void> {
    // Whoever waits in the lane takes along what gathers meanwhile.
    this.#next ??= this.#last.then(() => this.#write());
    return this.#next;
  }

  async #write(): Promise<void> {
    await this.#lane.enter();
    const parts = this.#gathered;
    this.#gathered = [];
    this.#last = this.#file.append(parts);
    this.#next = null;
    await this.#last;
    this.#lane.leave();
  }
}

/** Lets only so many writes go at a time. */
class Lane {
  #freeCount: number;
  readonly #waiting: (() => void)[] = [];

  constructor(width: number) {
    this.#freeCount = width;
  }

  async enter(): Promise<void> {
    if (this.#freeCount > 0) this.#freeCount--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#freeCount++;
    else next();
  }
}

const widths: Readonly<Record<Way, number>> = {
  sync: 1,
  async: Infinity,
  "async-2": 2,
  "async-1": 1,
};

export async function appendWayBench(
  run: AppendRun,
  way: Way,
): Promise<AppendFigures> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "append-way-"));
  try {
    const disk = new NodeDisk(plainMaps);
    const lane = new Lane(widths[way]);
    const files: DiskFile[] = [];
    for (let index = 0; index < run.partitionCount; index++) {
      files.push(await disk.open(`${directory}/${index}.log`, "append"));
    }
    const logs = files.map((file) => new Log(file, lane));
    const batch = new Uint8Array(run.batchSizeBytes).fill(7);
    const latencies: number[] = [];
    const flushes: Promise<void>[] = [];
    const startCpu = process.cpuUsage();
    const startMs = performance.now();
    for (let turn = 0; turn < run.turnCount; turn++) {
      const turnMs = performance.now();
      for (const log of logs) {
        for (let count = 0; count < run.batchesPerTurn; count++) {
          log.append(batch);
        }
      }
      if (way === "sync") {
        for (const log of logs) log.flushSync();
        latencies.push(performance.now() - turnMs);
      } else {
        const flushed = Promise.all(logs.map((log) => log.flush()));
        flushes.push(
          flushed.then(() => {
            latencies.push(performance.now() - turnMs);
          }),
        );
        if (run.isClosedLoop) await flushed;
      }
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    await Promise.all(flushes);
    const wallMs = performance.now() - startMs;
    const cpu = process.cpuUsage(startCpu);
    let sizeBytes = 0;
    for (const file of files) {
      sizeBytes += file.sizeBytes;
      await file.close();
    }
    latencies.sort((a, b) => a - b);
    return {
      sizeBytes,
      wallMs,
      cpuMs: (cpu.user + cpu.system) / 1000,
      latencyMs: latencies[latencies.length >> 1] ?? 0,
    };
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

export interface StallFigures {
  /** The longest time the event loop did not turn. */
  readonly loopStoodMs: number;
  /** An unrelated read of 4 KB, started right after the writes. */
  readonly readMs: number;
}

/** `writeCount` writes meet a device that takes nothing for `stallMs`. */
export async function stallBench(
  way: "sync" | "async",
  writeCount: number,
  stallMs: number,
): Promise<StallFigures> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "append-stall-"));
  const other = path.join(directory, "other");
  fs.writeFileSync(other, new Uint8Array(4096));
  const pipe = path.join(directory, "pipe");
  execFileSync("mkfifo", [pipe]);
  const pipeFd = fs.openSync(pipe, "r+");
  const otherFd = fs.openSync(other, "r");
  const full = new Uint8Array(65_536);
  fs.writeSync(pipeFd, full);
  const drain = `const fs = require("node:fs");
    const { workerData } = require("node:worker_threads");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, workerData.stallMs);
    const bytes = Buffer.alloc(65536);
    for (let left = workerData.sizeBytes; left > 0; )
      left -= fs.readSync(workerData.fd, bytes, 0, Math.min(left, bytes.length));`;
  const sizeBytes = full.length * (writeCount + 1);
  const worker = new Worker(drain, {
    eval: true,
    workerData: { fd: pipeFd, stallMs, sizeBytes },
  });
  await new Promise((resolve) => worker.once("online", resolve));
  let loopStoodMs = 0;
  let lastMs = performance.now();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    loopStoodMs = Math.max(loopStoodMs, nowMs - lastMs);
    lastMs = nowMs;
  }, 1);
  const writes: Promise<void>[] = [];
  for (let count = 0; count < writeCount; count++) {
    if (way === "sync") fs.writeSync(pipeFd, full);
    else {
      writes.push(
        new Promise((resolve) => {
          fs.write(pipeFd, full, () => {
            resolve();
          });
        }),
      );
    }
  }
  const readStartMs = performance.now();
  await new Promise<void>((resolve) => {
    fs.read(otherFd, Buffer.alloc(4096), 0, 4096, 0, () => {
      resolve();
    });
  });
  const readMs = performance.now() - readStartMs;
  await Promise.all(writes);
  await new Promise((resolve) => setTimeout(resolve, 5));
  clearInterval(timer);
  await worker.terminate();
  fs.closeSync(pipeFd);
  fs.closeSync(otherFd);
  fs.rmSync(directory, { recursive: true });
  return { loopStoodMs, readMs };
}

const ways: readonly Way[] = ["sync", "async", "async-2", "async-1"];

if (import.meta.main) {
  const run = (
    partitionCount: number,
    sizes: readonly [batchSizeBytes: number, batchesPerTurn: number],
    turnCount: number,
    isClosedLoop = false,
  ): AppendRun => ({
    partitionCount,
    batchSizeBytes: sizes[0],
    batchesPerTurn: sizes[1],
    turnCount,
    isClosedLoop,
  });
  const runs: readonly (readonly [string, AppendRun])[] = [
    ["1 log, 64 KB a turn", run(1, [16_384, 4], 8_000)],
    ["1 log, 200 B a turn", run(1, [200, 1], 50_000)],
    ["1 log, 200 B, one at a time", run(1, [200, 1], 10_000, true)],
    ["1 log, 64 KB, one at a time", run(1, [65_536, 1], 5_000, true)],
    ["100 logs, 200 B each a turn", run(100, [200, 1], 1_000)],
    ["100 logs, 200 B each, one at a time", run(100, [200, 1], 300, true)],
    ["1,000 logs, 200 B each a turn", run(1_000, [200, 1], 100)],
  ];
  console.log(`${os.cpus()[0]?.model ?? "?"}, Node ${process.version}`);
  for (const [name, run] of runs) {
    console.log(name);
    for (const way of ways) {
      const figures = await appendWayBench(run, way);
      const batchCount =
        run.partitionCount * run.batchesPerTurn * run.turnCount;
      console.log(
        `  ${way.padEnd(8)}`,
        `${((figures.wallMs * 1000) / batchCount).toFixed(2)} us/batch,`,
        `CPU ${((figures.cpuMs * 1000) / batchCount).toFixed(2)} us/batch,`,
        `latency ${figures.latencyMs.toFixed(3)} ms,`,
        `${(figures.sizeBytes / figures.wallMs / 1e6).toFixed(2)} GB/s`,
      );
    }
  }
  console.log("a device that stalls for 1,000 ms");
  for (const [way, count] of [
    ["sync", 1],
    ["async", 1],
    ["async", 2],
    ["async", 4],
  ] as const) {
    const { loopStoodMs, readMs } = await stallBench(way, count, 1_000);
    console.log(
      `  ${way}, ${count} in flight:`.padEnd(24),
      `the event loop stood ${loopStoodMs.toFixed(0)} ms, an unrelated read took ${readMs.toFixed(0)} ms`,
    );
  }
}
