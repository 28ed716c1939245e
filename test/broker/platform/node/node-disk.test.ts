import { readlinkSync, readdirSync, statSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DiskError } from "../../../../broker/platform/disk.ts";
import { createNodePlatform } from "../../../../broker/platform/node/node-platform.ts";
import { createMmapIoStandIn } from "../../../support/mmap-io-stand-in.ts";
import { createTemporaryDirectory } from "../../../support/temporary-directory.ts";
import type { TemporaryDirectory } from "../../../support/temporary-directory.ts";

let directory: TemporaryDirectory;
beforeEach(async () => {
  directory = await createTemporaryDirectory();
});
afterEach(() => directory.remove());

describe("the file system", () => {
  test.skipIf(process.platform === "win32")(
    "creates what only its owner may read",
    async () => {
      const { disk } = createNodePlatform();
      await disk.createDirectory(`${directory.path}/a/b`);
      const file = await disk.open(`${directory.path}/a/b/log`, "append");
      await file.close();
      const modeOf = (path: string): number =>
        statSync(`${directory.path}/${path}`).mode & 0o777;
      expect([modeOf("a"), modeOf("a/b"), modeOf("a/b/log")]).toEqual([
        0o700, 0o700, 0o600,
      ]);
    },
  );

  test.skipIf(process.platform !== "linux")(
    "names the boot as Linux does",
    async () => {
      const { disk } = createNodePlatform();
      expect(await disk.bootId()).toMatch(/^[0-9a-f-]{36}$/);
    },
  );

  test.skipIf(process.platform !== "linux")(
    "gives up on a directory that the system does not let anybody make",
    async () => {
      const { disk } = createNodePlatform();
      for (const path of ["/proc/none", "/proc/none/deeper"]) {
        await expect(disk.createDirectory(path)).rejects.toMatchObject({
          code: "ENOENT",
          path,
        });
      }
    },
  );

  test("does not take a file for a directory", async () => {
    const { disk } = createNodePlatform();
    const path = `${directory.path}/file`;
    await (await disk.open(path, "append")).close();
    for (const [at, code] of [
      [path, "EEXIST"],
      [`${path}/below`, "ENOTDIR"],
    ] as const) {
      await expect(disk.createDirectory(at)).rejects.toMatchObject({ code });
    }
  });

  test("keeps the system's code and the path in its errors", async () => {
    const { disk } = createNodePlatform();
    const path = `${directory.path}/none/log`;
    const error: unknown = await disk.open(path, "append").catch((e) => e);
    expect(error).toBeInstanceOf(DiskError);
    expect(error).toMatchObject({ code: "ENOENT", path });
  });

  test.runIf(process.platform === "linux")(
    "leaves no descriptor open, also after failures",
    async () => {
      const { disk } = createNodePlatform();
      const file = await disk.open(`${directory.path}/log`, "append");
      await file.append([Buffer.alloc(100_000)]);
      for await (const chunk of file.stream(0, 100_000)) {
        expect(chunk.length).toBeGreaterThan(0);
        break;
      }
      await file.close();
      // A directory opens to be read, and then is no file.
      const wrong = await disk.open(directory.path, "read");
      await expect(wrong.read(Buffer.alloc(1), 0)).rejects.toMatchObject({
        code: "EISDIR",
      });
      await wrong.close();
      await disk.syncDirectory(directory.path);
      const lock = await disk.lock(`${directory.path}/.lock`);
      await disk.lock(`${directory.path}/.lock`);
      if (lock.error === null) await lock.lock.release();
      const open = readdirSync("/proc/self/fd").flatMap((fd) => {
        try {
          return [readlinkSync(`/proc/self/fd/${fd}`)];
        } catch (error) {
          // The descriptor of this very listing.
          expect(error).toMatchObject({ code: "ENOENT" });
          return [];
        }
      });
      expect(open.filter((path) => path.startsWith(directory.path))).toEqual(
        [],
      );
    },
  );

  test("refuses a change while an append runs", async () => {
    const { disk } = createNodePlatform();
    const file = await disk.open(`${directory.path}/log`, "append");
    const first = file.append([Buffer.from("a")]);
    await expect(file.append([Buffer.from("b")])).rejects.toThrow(DiskError);
    expect(() => file.appendSync([Buffer.from("b")])).toThrow(DiskError);
    await first;
    file.appendSync([Buffer.from("b")]);
    expect(file.sizeBytes).toBe(2);
    await file.close();
  });

  test("maps through the user's mmap-io, once a window", async () => {
    const mmap = createMmapIoStandIn();
    const { disk } = createNodePlatform({ mmap });
    const writer = await disk.open(`${directory.path}/log`, "create");
    await writer.append([Buffer.alloc(100_000, "0123456789")]);
    await writer.close();
    const file = await disk.open(`${directory.path}/log`, "read");
    for (const position of [0, 70_000, 99_990]) {
      const window = file.map(position, 10);
      expect(await file.warm(position, 10)).toBe(true);
      expect(Buffer.from(window?.bytes ?? []).toString()).toBe("0123456789");
      window?.release();
    }
    expect(mmap.mapCount).toBe(1);
    await file.close();
  });

  test("reads where the user's mmap-io refuses", async () => {
    const mmap = createMmapIoStandIn();
    mmap.map = () => {
      throw new Error("mmap failed, 12");
    };
    const { disk } = createNodePlatform({ mmap });
    const file = await disk.open(`${directory.path}/log`, "create");
    await file.append([Buffer.from("abc")]);
    await file.close();
    const again = await disk.open(`${directory.path}/log`, "read");
    expect(again.map(0, 3)).toBe(null);
    expect(await again.warm(0, 3)).toBe(true);
    await again.close();
  });
});
