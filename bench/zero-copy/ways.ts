/**
 * Four ways to get a file into a socket, without a protocol around it.
 *
 *   stream    createReadStream().pipe(): a buffer for every 64 KB, through user space
 *   plain     read into a buffer of our own, write it, wait, read again
 *   mapped    write views of the mapped file: the kernel copies from the page cache
 *   sendfile  the kernel moves it by itself, in a thread, on a blocking socket
 *
 * `sendfile` needs the socket for itself: libuv must not write to it meanwhile,
 * and TLS cannot. That is why the broker maps.
 */
import { createReadStream, read } from "node:fs";
import { createRequire } from "node:module";
import type { Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { createKoffiMaps } from "../../broker/platform/node/mmap/koffi.ts";

export type Way = "stream" | "plain" | "mapped" | "sendfile";
export const ways: readonly Way[] = ["stream", "plain", "mapped", "sendfile"];

export interface OpenFile {
  readonly fd: number;
  readonly path: string;
  readonly sizeBytes: number;
}

/** What is written at a time: the size of a usual fetch. */
const PIECE_SIZE_BYTES = 1024 ** 2;
const WINDOW_SIZE_BYTES = 16 * 1024 ** 2;

/** Resolves when the system has taken all of the file. */
export const senders: Readonly<
  Record<Way, (file: OpenFile, socket: Socket) => Promise<void>>
> = {
  stream: ({ path }, socket) =>
    pipeline(createReadStream(path), socket, { end: false }),

  async plain({ fd, sizeBytes }, socket) {
    const readAt = promisify(read);
    const buffer = Buffer.allocUnsafe(PIECE_SIZE_BYTES);
    for (let position = 0; position < sizeBytes;) {
      const { bytesRead } = await readAt(
        fd,
        buffer,
        0,
        buffer.length,
        position,
      );
      await write(socket, buffer.subarray(0, bytesRead));
      position += bytesRead;
    }
  },

  async mapped({ fd, sizeBytes }, socket) {
    const maps = createKoffiMaps();
    for (let start = 0; start < sizeBytes; start += WINDOW_SIZE_BYTES) {
      const windowSize = Math.min(WINDOW_SIZE_BYTES, sizeBytes - start);
      const window = maps.map(fd, start, windowSize);
      if (window === null) throw new Error("the file cannot be mapped here");
      for (let at = 0; at < windowSize; at += PIECE_SIZE_BYTES) {
        await write(socket, window.bytes.subarray(at, at + PIECE_SIZE_BYTES));
      }
      window.release();
    }
  },

  async sendfile({ fd, sizeBytes }, socket) {
    const send = bindSendfile();
    const out = descriptorOf(socket);
    send.makeBlocking(out);
    const position = BigInt64Array.of(0n);
    while (Number(position[0]) < sizeBytes) {
      const left = sizeBytes - Number(position[0]);
      const sent = await send.sendfile(out, fd, position, left);
      if (sent <= 0) throw new Error(`sendfile answered ${sent}`);
    }
  },
};

function write(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

/** Node has no public name for it. */
function descriptorOf(socket: Socket): number {
  const { _handle: handle } = socket as Socket & {
    readonly _handle?: { readonly fd?: number };
  };
  if (handle?.fd === undefined) throw new Error("a socket without descriptor");
  return handle.fd;
}

function bindSendfile() {
  const koffi: typeof import("koffi") = createRequire(import.meta.url)("koffi");
  const library = koffi.load(null);
  const F_GETFL = 3;
  const F_SETFL = 4;
  const O_NONBLOCK = 0o4000;
  const fcntl = library.func("int fcntl(int fd, int command, int argument)");
  const sendfile = library.func(
    "intptr_t sendfile(int out, int in, int64_t *position, size_t count)",
  );
  return {
    makeBlocking(fd: number): void {
      const flags: unknown = fcntl(fd, F_GETFL, 0);
      if (typeof flags !== "number" || flags < 0) throw new Error("fcntl");
      fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
    },
    sendfile: (
      out: number,
      from: number,
      position: BigInt64Array,
      sizeBytes: number,
    ): Promise<number> =>
      new Promise((resolve, reject) => {
        sendfile.async(
          out,
          from,
          position,
          sizeBytes,
          (error: Error | null, sent: number | bigint) =>
            error === null ? resolve(Number(sent)) : reject(error),
        );
      }),
  };
}
