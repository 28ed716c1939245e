/**
 * What could kill the process, done in a process of its own: the test looks at
 * how it ended. Called with the scenario, the way of mapping and a directory.
 */
import assert from "node:assert/strict";
import { closeSync, openSync, truncateSync } from "node:fs";
import { registerHooks } from "node:module";
import { DiskError } from "../../../../broker/platform/disk.ts";
import type { MappedWindow } from "../../../../broker/platform/disk.ts";
import { loadLibc } from "../../../../broker/platform/node/libc.ts";
import { createNodePlatform } from "../../../../broker/platform/node/node-platform.ts";

const [scenario, way, directory] = process.argv.slice(2);
assert(way === "koffi" || way === "plain");
assert(directory !== undefined);
const { disk, network } = createNodePlatform({ mmap: way });
const path = `${directory}/log`;
const SIZE_BYTES = 2 * 1024 * 1024;

async function openFilled(): ReturnType<typeof disk.open> {
  const writer = await disk.open(path, "create");
  await writer.append([Buffer.alloc(SIZE_BYTES, "millrace")]);
  await writer.close();
  return disk.open(path, "read");
}

function mapAll(file: Awaited<ReturnType<typeof openFilled>>): MappedWindow {
  const window = file.map(0, SIZE_BYTES);
  assert(window !== null);
  return window;
}

/** Sends the bytes to a peer over TCP; answers how many arrived, and how the sender's end closed. */
async function send(
  bytes: Uint8Array,
  sent: () => void,
): Promise<{
  readonly arrivedSizeBytes: number;
  readonly code: string | null;
}> {
  let arrivedSizeBytes = 0;
  const listener = await network.listen(
    { host: "127.0.0.1", port: 0 },
    {
      onError: (error) => assert.fail(error),
      onConnection: (connection) =>
        connection.start({
          onData: (chunk) => {
            arrivedSizeBytes += chunk.length;
          },
          onDrain: () => {},
          onClose: () => {},
        }),
    },
  );
  const sender = await network.connect({
    host: "127.0.0.1",
    port: listener.port,
  });
  const code = await new Promise<string | null>((resolve) => {
    sender.start({
      onData: () => {},
      onDrain: () => {},
      onClose: (error) => resolve(error?.code ?? null),
    });
    sender.write([bytes], sent);
    sender.end();
  });
  await listener.close();
  return { arrivedSizeBytes, code };
}

const scenarios: Record<string, () => Promise<void>> = {
  /** The canary: shows that what the others avoid is deadly. */
  async touchTruncated() {
    const window = mapAll(await openFilled());
    truncateSync(path, 0);
    process.stdout.write(`read ${window.bytes[SIZE_BYTES / 2]}\n`);
  },

  async warmTruncated() {
    const file = await openFilled();
    assert.equal(await file.warm(0, SIZE_BYTES), true);
    const window = way === "koffi" ? mapAll(file) : null;
    if (window !== null) assert.equal(window.bytes[SIZE_BYTES - 1], 101);
    truncateSync(path, SIZE_BYTES / 2);
    assert.equal(await file.warm(0, SIZE_BYTES), false);
    assert.equal(await file.warm(SIZE_BYTES / 2, 1), false);
    assert.equal(await file.warm(0, SIZE_BYTES / 2), true);
    if (window !== null) assert.equal(window.bytes[0], 109);
    assert.equal(await file.read(Buffer.alloc(SIZE_BYTES), 0), SIZE_BYTES / 2);
    window?.release();
    await file.close();
  },

  async sendTruncated() {
    const file = await openFilled();
    const window = mapAll(file);
    truncateSync(path, 0);
    let sentCount = 0;
    const { code, arrivedSizeBytes } = await send(window.bytes, () => {
      sentCount += 1;
    });
    assert.equal(arrivedSizeBytes, 0);
    assert.equal(code, "EFAULT");
    assert.equal(sentCount, 1);
    window.release();
    await file.close();
  },

  async useReleased() {
    const file = await openFilled();
    const window = mapAll(file);
    const stale = window.bytes;
    const kept = mapAll(file);
    window.release();
    window.release();
    assert.equal(kept.bytes[0], 109, "another user still has it");
    await file.close();
    assert.equal(kept.bytes[0], 109, "closing takes no window away");
    kept.release();
    assert.equal(stale.length, 0);
    assert.equal(stale[0], undefined);
    assert.equal(Buffer.from(kept.bytes).toString(), "");
  },

  async sendWhileReleased() {
    const file = await openFilled();
    const window = mapAll(file);
    await disk.remove(path);
    // The file goes at once, the window when the socket is done with it.
    const closing = file.close();
    const { code, arrivedSizeBytes } = await send(window.bytes, () =>
      window.release(),
    );
    await closing;
    assert.equal(code, null);
    assert.equal(arrivedSizeBytes, SIZE_BYTES);
    assert.equal(window.bytes.length, 0);
  },

  async destroyWhileSending() {
    const file = await openFilled();
    const listener = await network.listen(
      { host: "127.0.0.1", port: 0 },
      // Never started, so it reads nothing: the sender's bytes stay queued.
      { onConnection: () => {}, onError: (error) => assert.fail(error) },
    );
    const to = { host: "127.0.0.1", port: listener.port };
    const sender = await network.connect(to);
    const closed = new Promise<void>((resolve) =>
      sender.start({
        onData: () => {},
        onDrain: () => {},
        onClose: () => resolve(),
      }),
    );
    let releasedCount = 0;
    for (let index = 0; index < 20; index += 1) {
      const window = mapAll(file);
      sender.write([window.bytes], () => {
        window.release();
        releasedCount += 1;
      });
    }
    await file.close();
    assert(releasedCount < 20);
    sender.destroy();
    await closed;
    await new Promise<void>((resolve) => setImmediate(resolve));
    assert.equal(releasedCount, 20);
    await listener.close();
    // The accepted end would keep the process alive.
    process.exit(0);
  },

  async cutBelowWindow() {
    const file = await disk.open(path, "create");
    await file.append([Buffer.alloc(4 * SIZE_BYTES, "millrace")]);
    const low = file.map(0, 100);
    const high = file.map(SIZE_BYTES, SIZE_BYTES);
    if (high !== null) {
      await assert.rejects(file.truncate(SIZE_BYTES), DiskError);
      assert.equal(high.bytes[SIZE_BYTES - 1], 101);
      high.release();
    }
    await file.truncate(SIZE_BYTES);
    assert.equal(file.map(SIZE_BYTES, SIZE_BYTES), null);
    if (low !== null) assert.equal(low.bytes[99], "millrace".charCodeAt(3));
    low?.release();
    await file.close();
  },

  /** The directory is on a file system that holds 1 MB. */
  async fillDisk() {
    const file = await disk.open(path, "append");
    const parts = [Buffer.alloc(600_000, "a"), Buffer.alloc(600_000, "b")];
    for (const append of ["append", "appendSync"] as const) {
      await assert.rejects(
        async () => file[append](parts),
        (error) => error instanceof DiskError && error.code === "ENOSPC",
      );
      const { sizeBytes } = file;
      assert(sizeBytes > 600_000 && sizeBytes < 1_200_000, `${sizeBytes}`);
      assert.equal(await disk.sizeOf(path), sizeBytes);
      const bytes = Buffer.alloc(sizeBytes);
      assert.equal(await file.read(bytes, 0), sizeBytes);
      assert.equal(bytes.indexOf("b"), 600_000);
      await file.truncate(0);
    }
    await file.append([Buffer.from("there is space again")]);
    await file.sync();
    await file.close();
  },

  async goWithoutKoffi() {
    registerHooks({
      resolve(specifier, context, next) {
        if (specifier === "koffi") throw new Error("koffi is not installed");
        return next(specifier, context);
      },
    });
    const file = await openFilled();
    assert.equal(file.map(0, SIZE_BYTES), null);
    assert.equal(await file.warm(0, SIZE_BYTES), true);
    await file.close();
    assert.equal((await disk.lock(`${directory}/.lock`)).error, null);
    assert.match(String(loadLibc().reason), /koffi is not installed/);
  },

  /** Started with few descriptors allowed, as the next. */
  async openWithoutDescriptors() {
    const hoarded = hoardDescriptors();
    await assert.rejects(
      disk.open(path, "append"),
      (error) => error instanceof DiskError && error.code === "EMFILE",
    );
    for (const fd of hoarded) closeSync(fd);
    const file = await disk.open(path, "append");
    await file.close();
  },

  async acceptWithoutDescriptors() {
    let acceptedCount = 0;
    const at = { host: "127.0.0.1", port: 0 };
    const listener = await network.listen(at, {
      onError: (error) => assert.equal(error.code, "EMFILE"),
      onConnection: (connection) => {
        acceptedCount += 1;
        connection.destroy();
      },
    });
    const connectAndWait = async (): Promise<void> => {
      const to = { host: "127.0.0.1", port: listener.port };
      const client = await network.connect(to);
      await new Promise<void>((resolve) =>
        client.start({
          onData: () => {},
          onDrain: () => {},
          onClose: () => resolve(),
        }),
      );
    };
    const hoarded = hoardDescriptors();
    // One for the client's end, none for the server's.
    closeSync(hoarded.pop() ?? 0);
    await connectAndWait();
    assert.equal(acceptedCount, 0);
    for (const fd of hoarded) closeSync(fd);
    await connectAndWait();
    assert.equal(acceptedCount, 1);
    await listener.close();
  },
};

function hoardDescriptors(): number[] {
  const hoarded: number[] = [];
  for (;;) {
    try {
      hoarded.push(openSync("/dev/null", "r"));
    } catch (error) {
      assert.match(String(error), /EMFILE/);
      return hoarded;
    }
  }
}

const run = scenarios[scenario ?? ""];
assert(run !== undefined, `no scenario ${scenario}`);
await run();
