/**
 * Clients that a broker would rather not have, each with what they do. They run
 * in a process of their own (`strangers.child.ts`), so that their work is not
 * taken for the broker's, nor for that of whoever measures.
 */
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fetchFrame } from "../frames.ts";

/** What so many of them do, until `isOver`; resolves when they are all there. */
type Strangers = (crowd: Crowd, count: number) => Promise<void>;

const MIB = 1024 * 1024;
const FRAME_SIZE_BYTES = 100 * MIB;

export class Crowd {
  readonly #port: number;
  readonly #sockets = new Set<net.Socket>();
  isOver = false;

  constructor(port: number) {
    this.#port = port;
  }

  get count(): number {
    return this.#sockets.size;
  }

  /** A connection; null where it was refused, which is an answer too. */
  connect(): Promise<net.Socket | null> {
    return new Promise((resolve) => {
      const socket = net.connect({ host: "127.0.0.1", port: this.#port });
      socket.once("connect", () => {
        this.#sockets.add(socket);
        resolve(socket);
      });
      socket.once("close", () => {
        this.#sockets.delete(socket);
        resolve(null);
      });
      socket.on("error", () => {});
    });
  }

  async connectAll(
    count: number,
    each: (socket: net.Socket) => void,
  ): Promise<void> {
    // Some at a time: a listener's queue is short.
    for (let done = 0; done < count; done += 100) {
      const some = Math.min(100, count - done);
      const opened = await Promise.all(
        Array.from({ length: some }, () => this.connect()),
      );
      for (const socket of opened) if (socket !== null) each(socket);
    }
  }

  leave(): void {
    this.isOver = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Again and again, so long apart, until they leave. */
  async repeat(everyMs: number, act: () => void): Promise<void> {
    while (!this.isOver) {
      act();
      await sleep(everyMs);
    }
  }
}

export const strangers = {
  /** Each asks for a megabyte and takes a chunk of it a second. */
  "slow consumers": (crowd, count) =>
    crowd.connectAll(count, (socket) => {
      socket.pause();
      socket.on("data", () => socket.pause());
      socket.write(fetchFrame(0, MIB));
      void crowd.repeat(1_000, () => socket.resume());
    }),

  /** Connected, and nothing else. */
  "idle connections": (crowd, count) => crowd.connectAll(count, () => {}),

  /** Asks for a megabyte, a hundred times, and takes nothing. */
  "clients that never read": (crowd, count) =>
    crowd.connectAll(count, (socket) => {
      socket.pause();
      for (let index = 0; index < 100; index++) {
        socket.write(fetchFrame(0, MIB));
      }
    }),

  /** A large frame, of which a byte comes each second. */
  "one byte a second": (crowd, count) =>
    crowd.connectAll(count, (socket) => {
      const prefix = Buffer.alloc(4);
      prefix.writeInt32BE(FRAME_SIZE_BYTES);
      socket.write(prefix);
      void crowd.repeat(1_000, () => socket.write(Uint8Array.of(0)));
    }),

  /** Connect and leave at once. */
  "connects in a burst": async (crowd, count) => {
    for (let done = 0; done < count; done += 500) {
      const some = Math.min(500, count - done);
      await Promise.all(
        Array.from({ length: some }, async () =>
          (await crowd.connect())?.destroy(),
        ),
      );
    }
  },

  /** Frames as large as they may be, of nothing that means anything, as fast as they are taken. */
  "frames of 100 MB": (crowd, count) =>
    crowd.connectAll(count, (socket) => {
      const prefix = Buffer.alloc(4);
      prefix.writeInt32BE(FRAME_SIZE_BYTES);
      const piece = new Uint8Array(MIB).fill(0x7f);
      socket.write(prefix);
      let left = 100;
      const send = (): void => {
        while (left > 0 && !crowd.isOver) {
          left -= 1;
          if (!socket.write(piece)) {
            socket.once("drain", send);
            return;
          }
        }
      };
      send();
    }),
} as const satisfies Readonly<Record<string, Strangers>>;

export type StrangersName = keyof typeof strangers;
