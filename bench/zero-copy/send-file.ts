/**
 * The same file sent four ways to a socket: GB/s, and the sender's CPU time for
 * a GB. The file lies in the page cache. Each way runs in a process of its own.
 *
 * `node bench/zero-copy/send-file.ts [fileMB] [times]`
 */
import { type ChildProcess, fork } from "node:child_process";
import { open } from "node:fs/promises";
import net from "node:net";
import path from "node:path";
import { performance } from "node:perf_hooks";
import * as zlib from "node:zlib";
import { machineInWords, table, withDirectory } from "../harness.ts";
import { ways, type Way } from "./ways.ts";

export interface SendFileFigures {
  readonly way: Way;
  readonly receivedSizeBytes: number;
  /** CRC-32 of the first pass: the same for every way. */
  readonly hash: number;
  readonly gbPerSecond: number;
  readonly cpuSecondsPerGb: number;
}

export function benchSendFile(parameters: {
  readonly fileSizeBytes: number;
  readonly times: number;
}): Promise<readonly SendFileFigures[]> {
  return withDirectory(async (directory) => {
    const file = path.join(directory, "file");
    await fill(file, parameters.fileSizeBytes);
    const figures: SendFileFigures[] = [];
    for (const way of ways) {
      figures.push(await send(file, way, parameters));
    }
    return figures;
  });
}

async function fill(file: string, sizeBytes: number): Promise<void> {
  const handle = await open(file, "w");
  const piece = Uint8Array.from({ length: 65_536 }, (_, at) => at * 31 + 7);
  for (let left = sizeBytes; left > 0; left -= piece.length) {
    await handle.write(piece.subarray(0, left));
  }
  await handle.close();
}

async function send(
  file: string,
  way: Way,
  {
    fileSizeBytes,
    times,
  }: { readonly fileSizeBytes: number; readonly times: number },
): Promise<SendFileFigures> {
  const script = path.join(import.meta.dirname, "sender.child.ts");
  const child = fork(script, [file, way, String(times)]);
  const { port } = await toldBy<{ port: number }>(child);
  const told = toldBy<{ cpuSeconds: number }>(child);
  const startMs = performance.now();
  const [{ cpuSeconds }, { receivedSizeBytes, hash }] = await Promise.all([
    told,
    receive(port, fileSizeBytes),
  ]);
  const seconds = (performance.now() - startMs) / 1_000;
  const gb = receivedSizeBytes / 1e9;
  return {
    way,
    receivedSizeBytes,
    hash,
    gbPerSecond: gb / seconds,
    cpuSecondsPerGb: cpuSeconds / gb,
  };
}

function toldBy<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void =>
      reject(new Error(`the sender's process ended with ${code}`));
    child.once("exit", onExit);
    child.once("message", (told) => {
      child.off("exit", onExit);
      resolve(told as T);
    });
  });
}

/** Into one buffer over and over, so that the receiver is no bottleneck. */
function receive(
  port: number,
  hashedSizeBytes: number,
): Promise<{
  readonly receivedSizeBytes: number;
  readonly hash: number;
}> {
  return new Promise((resolve, reject) => {
    let receivedSizeBytes = 0;
    let hash = 0;
    const buffer = Buffer.allocUnsafe(1024 ** 2);
    const callback = (count: number): boolean => {
      const left = hashedSizeBytes - receivedSizeBytes;
      if (left > 0)
        hash = zlib.crc32(buffer.subarray(0, Math.min(count, left)), hash);
      receivedSizeBytes += count;
      return true;
    };
    const onread = { buffer, callback };
    const socket = net.connect({ host: "127.0.0.1", port, onread });
    socket.once("error", reject);
    socket.once("close", () => resolve({ receivedSizeBytes, hash }));
  });
}

export function sendFileTable(figures: readonly SendFileFigures[]): string {
  return table(
    ["A file to a socket, no protocol", "GB/s", "CPU s/GB"],
    figures.map(({ way, gbPerSecond, cpuSecondsPerGb }) => [
      way,
      gbPerSecond.toFixed(2),
      cpuSecondsPerGb.toFixed(2),
    ]),
  );
}

async function main(): Promise<void> {
  const [fileMb = 256, times = 8] = process.argv.slice(2).map(Number);
  const fileSizeBytes = fileMb * 1024 ** 2;
  console.log(`Millrace on ${machineInWords()}\n`);
  console.log(sendFileTable(await benchSendFile({ fileSizeBytes, times })));
}

if (import.meta.main) void main();
