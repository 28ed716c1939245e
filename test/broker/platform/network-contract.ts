/**
 * What every network must do, whatever it is made of: one suite, run against
 * the loopback network and against TCP.
 */
import { describe, expect, test } from "vitest";
import type { Part } from "../../../broker/lib/payload.ts";
import { NetworkError } from "../../../broker/platform/network.ts";
import type {
  Connection,
  Listener,
  Network,
} from "../../../broker/platform/network.ts";

/** One end of a connection that remembers what happened to it. */
class End {
  readonly connection: Connection;
  readonly events: string[] = [];
  readonly #chunks: Uint8Array[] = [];
  #receivedSizeBytes = 0;
  readonly closed: Promise<NetworkError | null>;
  readonly #watchers = new Set<() => void>();

  constructor(connection: Connection) {
    this.connection = connection;
    let close: (error: NetworkError | null) => void;
    this.closed = new Promise((resolve) => {
      close = resolve;
    });
    connection.start({
      onData: (chunk) => {
        this.#chunks.push(chunk);
        this.#receivedSizeBytes += chunk.length;
        this.#changed();
      },
      onDrain: () => {
        this.events.push("drain");
        this.#changed();
      },
      onClose: (error) => {
        this.events.push("close");
        close(error);
        this.#changed();
      },
    });
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get receivedSizeBytes(): number {
    return this.#receivedSizeBytes;
  }

  /** Resolves when the condition holds, looked at after everything that happens here. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!condition()) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }

  #changed(): void {
    for (const look of [...this.#watchers]) look();
  }
}

interface Pair {
  readonly client: End;
  readonly server: End;
  readonly listener: Listener;
}

async function connectEnds(network: Network): Promise<Pair> {
  let accept: (connection: Connection) => void;
  const accepted = new Promise<Connection>((resolve) => {
    accept = resolve;
  });
  const listener = await network.listen(
    { host: "127.0.0.1", port: 0 },
    {
      onConnection: (connection) => accept(connection),
      onError: (error) => {
        throw error;
      },
    },
  );
  const client = await network.connect({
    host: "127.0.0.1",
    port: listener.port,
  });
  return {
    client: new End(client),
    server: new End(await accepted),
    listener,
  };
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

function streamOf(chunks: readonly Uint8Array[], sizeBytes?: number): Part {
  const total = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  return {
    sizeBytes: sizeBytes ?? total,
    read: async function* () {
      for (const chunk of chunks) {
        await turns(1);
        yield chunk;
      }
    },
  };
}

const big = Buffer.alloc(8 * 1024 * 1024, "0123456789abcde");

export function networkContract(name: string, create: () => Network): void {
  describe(`network: ${name}`, () => {
    async function withPair(use: (pair: Pair) => Promise<void>): Promise<void> {
      const pair = await connectEnds(create());
      try {
        await use(pair);
      } finally {
        pair.client.connection.destroy();
        pair.server.connection.destroy();
        await pair.listener.close();
      }
    }

    test("delivers bytes both ways in the order of the writes", () =>
      withPair(async ({ client, server }) => {
        client.connection.write([Buffer.from("one "), Buffer.from("two ")]);
        client.connection.write([Buffer.from("three")]);
        server.connection.write([Buffer.from("back")]);
        await server.until(() => server.receivedSizeBytes === 13);
        await client.until(() => client.receivedSizeBytes === 4);
        expect(server.received.toString()).toBe("one two three");
        expect(client.received.toString()).toBe("back");
      }));

    test("keeps the order when a part is read while it is sent", () =>
      withPair(async ({ client, server }) => {
        const order: string[] = [];
        const stream = streamOf([Buffer.from("bb"), Buffer.from("cc")]);
        client.connection.write([Buffer.from("a"), stream], () =>
          order.push("first"),
        );
        client.connection.write([Buffer.from("d")], () => order.push("second"));
        client.connection.write([streamOf([big]), Buffer.from("e")], () =>
          order.push("third"),
        );
        expect(client.connection.queuedSizeBytes).toBeGreaterThan(big.length);
        await server.until(() => server.receivedSizeBytes === big.length + 7);
        expect(server.received.subarray(0, 6).toString()).toBe("abbccd");
        expect(server.received.subarray(6, -1).equals(big)).toBe(true);
        await turns(3);
        expect(order).toEqual(["first", "second", "third"]);
        expect(client.connection.queuedSizeBytes).toBe(0);
      }));

    test("closes the connection when a part ends before its size", () =>
      withPair(async ({ client, server }) => {
        let sentCount = 0;
        client.connection.write([streamOf([Buffer.from("ab")], 3)], () => {
          sentCount += 1;
        });
        client.connection.write([Buffer.from("never")], () => {
          sentCount += 1;
        });
        expect(await client.closed).toBeInstanceOf(NetworkError);
        await server.closed;
        await turns(3);
        expect(sentCount).toBe(2);
        expect(server.received.toString()).not.toContain("never");
      }));

    test("closes the connection when reading a part fails", () =>
      withPair(async ({ client }) => {
        const cause = new Error("the disk is gone");
        const part = {
          sizeBytes: 1,
          read: async function* (): AsyncIterable<Uint8Array> {
            throw cause;
          },
        };
        client.connection.write([part]);
        expect((await client.closed)?.cause).toBe(cause);
      }));

    test("says stop to a writer whose peer does not read, and go on when it does", () =>
      withPair(async ({ client, server }) => {
        server.connection.pause();
        let written = 0;
        while (client.connection.write([big])) written += 1;
        // Not in one go: the system's own buffers take some.
        for (let round = 0; round < 5; round += 1) {
          await turns(5);
          client.connection.write([big]);
          written += 1;
        }
        expect(client.connection.queuedSizeBytes).toBeGreaterThan(0);
        expect(client.events).toEqual([]);
        server.connection.resume();
        await client.until(() => client.events.includes("drain"));
        await server.until(
          () => server.receivedSizeBytes === (written + 1) * big.length,
        );
        await client.until(() => client.connection.queuedSizeBytes === 0);
      }));

    test("delivers nothing while paused", () =>
      withPair(async ({ client, server }) => {
        server.connection.pause();
        client.connection.write([Buffer.from("wait")]);
        await turns(20);
        expect(server.receivedSizeBytes).toBe(0);
        server.connection.resume();
        await server.until(() => server.receivedSizeBytes === 4);
      }));

    test("sends what is queued before it ends", () =>
      withPair(async ({ client, server }) => {
        client.connection.write([big, streamOf([Buffer.from("last")])]);
        client.connection.end();
        expect(await server.closed).toBe(null);
        expect(await client.closed).toBe(null);
        expect(server.receivedSizeBytes).toBe(big.length + 4);
      }));

    test("calls sent exactly once for every write when the peer goes away", () =>
      withPair(async ({ client, server }) => {
        server.connection.pause();
        const counts = new Map<number, number>();
        for (let index = 0; index < 20; index += 1) {
          counts.set(index, 0);
          const parts = index % 5 === 3 ? [streamOf([big])] : [big, big];
          client.connection.write(parts, () =>
            counts.set(index, (counts.get(index) ?? 0) + 1),
          );
        }
        await turns(3);
        server.connection.destroy();
        await client.closed;
        await turns(10);
        expect([...counts.values()]).toEqual(Array(20).fill(1));
        expect(client.events.filter((event) => event === "close")).toEqual([
          "close",
        ]);
      }));

    test("calls sent also for a write after the end", () =>
      withPair(async ({ client }) => {
        client.connection.destroy();
        await client.closed;
        let sentCount = 0;
        const goesOn = client.connection.write([Buffer.from("late")], () => {
          sentCount += 1;
        });
        await turns(3);
        expect(goesOn).toBe(false);
        expect(sentCount).toBe(1);
      }));

    test("calls sent for a write without bytes", () =>
      withPair(async ({ client }) => {
        await new Promise<void>((resolve) => {
          client.connection.write([], resolve);
        });
      }));

    test("tells an end that starts late that the other is gone", async () => {
      const network = create();
      const accepted: Connection[] = [];
      const listener = await network.listen(
        { host: "127.0.0.1", port: 0 },
        {
          onConnection: (connection) => accepted.push(connection),
          onError: () => {},
        },
      );
      const client = new End(
        await network.connect({ host: "127.0.0.1", port: listener.port }),
      );
      while (accepted.length === 0) await turns(1);
      for (const connection of accepted) connection.destroy();
      await client.closed;
      await turns(5);
      for (const connection of accepted) {
        expect(await new End(connection).closed).toBe(null);
      }
      await listener.close();
    });

    test("knows the other end's address", () =>
      withPair(async ({ client, listener }) => {
        expect(client.connection.remotePort).toBe(listener.port);
        expect(client.connection.remoteAddress).toBe("127.0.0.1");
      }));

    test("refuses a taken port and a port where nobody listens", async () => {
      const network = create();
      const handlers = { onConnection: () => {}, onError: () => {} };
      const listener = await network.listen(
        { host: "127.0.0.1", port: 0 },
        handlers,
      );
      const at = { host: "127.0.0.1", port: listener.port };
      await expect(network.listen(at, handlers)).rejects.toMatchObject({
        name: "NetworkError",
        code: "EADDRINUSE",
      });
      await listener.close();
      await expect(network.connect(at)).rejects.toMatchObject({
        name: "NetworkError",
        code: "ECONNREFUSED",
      });
    });
  });
}
