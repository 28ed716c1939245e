/**
 * What mapped files cost in garbage collection, against plain reads.
 *
 * A file of a few GB is read over and over, a fetch at a time, as the broker
 * serves it: mapped, by windows from the cache, and plain, into new buffers. A
 * few answers are always held, as by sockets that are not done sending. One
 * byte of each page is added to a sum, so both must have seen the same bytes.
 *
 * Each way runs in a process of its own, so that neither sees the other's
 * garbage. `node bench/micro/gc-of-maps.ts [totalGB] [fileGB] [directory]`
 */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { PerformanceObserver, performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import type { Disk, DiskFile } from "../../broker/platform/disk.ts";
import { createNodePlatform } from "../../broker/platform/node/node-platform.ts";

export interface GcOfMapsParameters {
  readonly path: string;
  readonly fileSizeBytes: number;
  readonly totalSizeBytes: number;
  readonly fetchSizeBytes: number;
  /** How many answers are held at a time. */
  readonly heldCount: number;
}

export interface GcOfMapsResult {
  /** The sum of a byte a page: the same for both ways, or one of them lies. */
  readonly hash: number;
  readonly seconds: number;
  readonly pauseCount: number;
  readonly pauseMsLongest: number;
  readonly pauseMsTotal: number;
  /** How many fetches came from a map, and not from a read. */
  readonly mappedCount: number;
}

type Way = "mapped" | "plain";

const GIGABYTE = 1024 ** 3;
const MEGABYTE = 1024 ** 2;
const PAGE_SIZE_BYTES = 4096;

export async function gcOfMaps(
  way: Way,
  parameters: GcOfMapsParameters,
): Promise<GcOfMapsResult> {
  const { disk } = createNodePlatform({
    mmap: way === "mapped" ? "koffi" : "plain",
  });
  await ensureFile(disk, parameters);
  const file = await disk.open(parameters.path, "read");
  const pauses: number[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) pauses.push(entry.duration);
  });
  observer.observe({ entryTypes: ["gc"] });
  const startMs = performance.now();
  const { hash, mappedCount } = await readOver(file, parameters);
  const seconds = (performance.now() - startMs) / 1000;
  // The observer is told in a later turn.
  await new Promise<void>((resolve) => setImmediate(resolve));
  for (const entry of observer.takeRecords()) pauses.push(entry.duration);
  observer.disconnect();
  await file.close();
  return {
    hash,
    seconds,
    pauseCount: pauses.length,
    pauseMsLongest: pauses.reduce((most, pause) => Math.max(most, pause), 0),
    pauseMsTotal: pauses.reduce((sum, pause) => sum + pause, 0),
    mappedCount,
  };
}

async function readOver(
  file: DiskFile,
  parameters: GcOfMapsParameters,
): Promise<{ readonly hash: number; readonly mappedCount: number }> {
  const { fetchSizeBytes, fileSizeBytes, totalSizeBytes } = parameters;
  const held: (() => void)[] = [];
  let hash = 0;
  let mappedCount = 0;
  let position = 0;
  for (let done = 0; done < totalSizeBytes; done += fetchSizeBytes) {
    if (position + fetchSizeBytes > fileSizeBytes) position = 0;
    const window = file.map(position, fetchSizeBytes);
    let bytes: Uint8Array;
    if (window === null) {
      const buffer = Buffer.allocUnsafeSlow(fetchSizeBytes);
      await file.read(buffer, position);
      // Held as a view in use would be.
      held.push(() => buffer.length);
      bytes = buffer;
    } else {
      await file.warm(position, fetchSizeBytes);
      held.push(window.release);
      bytes = window.bytes;
      mappedCount += 1;
    }
    for (let index = 0; index < bytes.length; index += PAGE_SIZE_BYTES) {
      hash = (hash * 31 + (bytes[index] ?? 0)) >>> 0;
    }
    if (held.length > parameters.heldCount) held.shift()?.();
    position += fetchSizeBytes;
  }
  for (const release of held) release();
  return { hash, mappedCount };
}

/** The content tells every page from its neighbours. */
async function ensureFile(
  disk: Disk,
  { path, fileSizeBytes }: GcOfMapsParameters,
): Promise<void> {
  if ((await disk.sizeOf(path)) === fileSizeBytes) return;
  const file = await disk.open(path, "create");
  const chunk = Buffer.alloc(Math.min(16 * MEGABYTE, fileSizeBytes));
  while (file.sizeBytes < fileSizeBytes) {
    for (let page = 0; page < chunk.length; page += PAGE_SIZE_BYTES) {
      chunk.writeUInt8(
        (file.sizeBytes / PAGE_SIZE_BYTES + page / 97) & 255,
        page,
      );
    }
    await file.append([chunk.subarray(0, fileSizeBytes - file.sizeBytes)]);
  }
  await file.close();
}

/** Runs one way in a new process. */
function measureApart(
  way: Way,
  parameters: GcOfMapsParameters,
): Promise<GcOfMapsResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [fileURLToPath(import.meta.url), way, JSON.stringify(parameters)],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    let output = "";
    child.stdout.on("data", (chunk) => (output += String(chunk)));
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(JSON.parse(output));
      else reject(new Error(`the ${way} run ended with ${code}`));
    });
  });
}

export async function compareGcOfMaps(
  parameters: GcOfMapsParameters,
  print: (line: string) => void,
): Promise<void> {
  print(
    `${cpus()[0]?.model ?? "unknown processor"} x ${availableParallelism()}, Node ${process.version}: ` +
      `${parameters.totalSizeBytes / GIGABYTE} GB read from a file of ${parameters.fileSizeBytes / GIGABYTE} GB`,
  );
  const plain = await measureApart("plain", parameters);
  const mapped = await measureApart("mapped", parameters);
  for (const [way, result] of Object.entries({ plain, mapped })) {
    print(
      `${way.padEnd(6)}  ${result.seconds.toFixed(1).padStart(6)} s  ${result.pauseCount} pauses, ` +
        `longest ${result.pauseMsLongest.toFixed(2)} ms, total ${result.pauseMsTotal.toFixed(1)} ms, ` +
        `${result.mappedCount} fetches from maps, hash ${result.hash}`,
    );
  }
  const longest = mapped.pauseMsLongest / plain.pauseMsLongest;
  const total = mapped.pauseMsTotal / plain.pauseMsTotal;
  print(
    `mapped / plain: longest ${longest.toFixed(2)} x, total ${total.toFixed(2)} x (at most 1.20 x wanted)`,
  );
  if (plain.hash !== mapped.hash)
    throw new Error("the two ways read differently");
}

async function main(args: readonly string[]): Promise<void> {
  const [first, second, third] = args;
  if (first === "mapped" || first === "plain") {
    const result = await gcOfMaps(first, JSON.parse(second ?? ""));
    process.stdout.write(JSON.stringify(result));
    return;
  }
  const directory = await mkdtemp(join(third ?? tmpdir(), "gc-of-maps-"));
  try {
    await compareGcOfMaps(
      {
        path: join(directory, "log"),
        totalSizeBytes: Number(first ?? 100) * GIGABYTE,
        fileSizeBytes: Number(second ?? 2) * GIGABYTE,
        fetchSizeBytes: MEGABYTE,
        heldCount: 8,
      },
      (line) => process.stdout.write(`${line}\n`),
    );
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(process.argv.slice(2));
}
