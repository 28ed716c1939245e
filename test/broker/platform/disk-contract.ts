/**
 * What every disk must do, whatever it is made of: one suite, run against
 * memory, against the real file system with maps, and on plain reads.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DiskError } from "../../../broker/platform/disk.ts";
import type { Disk, DiskFile } from "../../../broker/platform/disk.ts";

export interface DiskUnderTest {
  readonly disk: Disk;
  /** An existing directory that nobody else uses. */
  readonly directory: string;
  /** Whether a file opened with `read` can be mapped. */
  readonly hasMaps: boolean;
  remove(): Promise<void>;
}

async function readAll(file: DiskFile): Promise<string> {
  const bytes = Buffer.alloc(file.sizeBytes);
  expect(await file.read(bytes, 0)).toBe(bytes.length);
  return bytes.toString();
}

async function codeOf(action: Promise<unknown>): Promise<string> {
  const error: unknown = await action.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DiskError);
  return error instanceof DiskError ? error.code : "";
}

export function diskContract(
  name: string,
  create: () => Promise<DiskUnderTest>,
): void {
  describe(`disk: ${name}`, () => {
    let under: DiskUnderTest;
    let disk: Disk;
    let directory: string;
    const at = (path: string): string => `${directory}/${path}`;

    beforeEach(async () => {
      under = await create();
      ({ disk, directory } = under);
    });
    afterEach(() => under.remove());

    async function fileWith(path: string, text: string): Promise<void> {
      const file = await disk.open(at(path), "create");
      await file.append([Buffer.from(text)]);
      await file.close();
    }

    test("appends parts in order and reads at any position", async () => {
      const file = await disk.open(at("log"), "append");
      await file.append([Buffer.from("ab"), Buffer.alloc(0), Buffer.from("c")]);
      file.appendSync([Buffer.from("de")]);
      await file.sync();
      expect(file.sizeBytes).toBe(5);
      expect(await readAll(file)).toBe("abcde");
      const target = Buffer.alloc(4, "-");
      expect(await file.read(target, 3)).toBe(2);
      expect(target.toString()).toBe("de--");
      expect(await file.read(target, 5)).toBe(0);
      await file.close();
    });

    test("appends thousands of parts at once", async () => {
      const file = await disk.open(at("log"), "append");
      const parts = Array.from({ length: 3000 }, (_, index) =>
        Buffer.from(`${index},`),
      );
      const expected = Buffer.concat(parts).toString();
      await file.append(parts);
      file.appendSync(parts);
      expect(await readAll(file)).toBe(expected + expected);
      await file.close();
    });

    test("keeps a copy of what was appended", async () => {
      const file = await disk.open(at("log"), "append");
      const part = Buffer.from("abc");
      await file.append([part]);
      part.fill("x");
      expect(await readAll(file)).toBe("abc");
      await file.close();
    });

    test("opens what exists with append, empties it with create, and does not make it with read", async () => {
      await fileWith("log", "abc");
      const again = await disk.open(at("log"), "append");
      expect(again.sizeBytes).toBe(3);
      await again.append([Buffer.from("d")]);
      expect(await readAll(again)).toBe("abcd");
      await again.close();
      const emptied = await disk.open(at("log"), "create");
      expect(emptied.sizeBytes).toBe(0);
      await emptied.close();
      expect(await codeOf(disk.open(at("none"), "read"))).toBe("ENOENT");
      expect(await codeOf(disk.open(at("no/dir"), "append"))).toBe("ENOENT");
    });

    test("does not change a file opened to be read", async () => {
      await fileWith("log", "abc");
      const file = await disk.open(at("log"), "read");
      expect(await codeOf(file.append([Buffer.from("d")]))).toBe("EBADF");
      expect(await codeOf(file.truncate(0))).toBe("EBADF");
      expect(await readAll(file)).toBe("abc");
      await file.close();
    });

    test("cuts a file and goes on behind the cut", async () => {
      const file = await disk.open(at("log"), "append");
      await file.append([Buffer.alloc(100_000, "a")]);
      await file.truncate(2);
      await file.truncate(50);
      expect(file.sizeBytes).toBe(2);
      await file.append([Buffer.from("bc")]);
      expect(await readAll(file)).toBe("aabc");
      await file.close();
    });

    test("streams exactly the range asked for, or up to the end", async () => {
      const file = await disk.open(at("log"), "append");
      const content = Buffer.alloc(300_000, "0123456789");
      await file.append([content]);
      const collect = async (from: number, size: number): Promise<Buffer> => {
        const chunks: Uint8Array[] = [];
        for await (const chunk of file.stream(from, size)) chunks.push(chunk);
        return Buffer.concat(chunks);
      };
      expect(await collect(7, 250_000)).toEqual(content.subarray(7, 250_007));
      expect(await collect(299_990, 50)).toEqual(content.subarray(299_990));
      expect(await collect(5, 0)).toEqual(Buffer.alloc(0));
      await file.close();
    });

    test("gives up a stream that is left early, and can be closed then", async () => {
      const file = await disk.open(at("log"), "append");
      await file.append([Buffer.alloc(500_000)]);
      for await (const chunk of file.stream(0, 500_000)) {
        expect(chunk.length).toBeGreaterThan(0);
        break;
      }
      await file.close();
    });

    test("goes on after a stream that was left early", async () => {
      const file = await disk.open(at("log"), "append");
      await file.append([Buffer.alloc(500_000, 7)]);
      for (let count = 0; count < 20; count++) {
        for await (const chunk of file.stream(0, 500_000)) {
          expect(chunk.length).toBeGreaterThan(0);
          break;
        }
        // Whatever the stream took along would be missing by now.
        const target = new Uint8Array(100);
        expect(await file.read(target, 0)).toBe(100);
        expect(target).toEqual(new Uint8Array(100).fill(7));
      }
      await file.close();
    });

    test("maps what is written and nothing beyond, or answers null", async () => {
      await fileWith("log", "0123456789");
      const file = await disk.open(at("log"), "read");
      const window = file.map(2, 5);
      expect(window !== null).toBe(under.hasMaps);
      expect(await file.warm(2, 5)).toBe(true);
      if (window !== null) {
        expect(Buffer.from(window.bytes).toString()).toBe("23456");
        window.release();
      }
      expect(file.map(6, 5)).toBe(null);
      expect(file.map(10, 1)).toBe(null);
      expect(await file.warm(6, 5)).toBe(false);
      await file.close();
    });

    test("leaves a window good after its file was closed and removed", async () => {
      await fileWith("log", "0123456789");
      const file = await disk.open(at("log"), "read");
      const window = file.map(0, 10);
      await file.close();
      await disk.remove(at("log"));
      if (window !== null) {
        expect(Buffer.from(window.bytes).toString()).toBe("0123456789");
        window.release();
      }
    });

    test("refuses the use of a closed file", async () => {
      await fileWith("log", "abc");
      const file = await disk.open(at("log"), "append");
      await file.close();
      await file.close();
      expect(await codeOf(file.read(Buffer.alloc(1), 0))).toBe("EBADF");
      expect(await codeOf(file.append([Buffer.alloc(1)]))).toBe("EBADF");
      expect(await codeOf(file.sync())).toBe("EBADF");
      expect(() => file.map(0, 1)).toThrow(DiskError);
    });

    test("closes after the reads and syncs that are under way", async () => {
      await fileWith("log", "abc");
      const file = await disk.open(at("log"), "append");
      const target = Buffer.alloc(3);
      const reading = file.read(target, 0);
      const syncing = file.sync();
      await file.close();
      expect(await reading).toBe(3);
      await syncing;
      expect(target.toString()).toBe("abc");
    });

    test("lists files and directories, and says what is missing", async () => {
      await fileWith("log", "abc");
      await disk.createDirectory(at("deep/er"));
      const entries = [...(await disk.list(directory))];
      entries.sort((a, b) => (a.name < b.name ? -1 : 1));
      expect(entries).toEqual([
        { name: "deep", isDirectory: true },
        { name: "log", isDirectory: false },
      ]);
      expect(await codeOf(disk.list(at("none")))).toBe("ENOENT");
      expect(await codeOf(disk.list(at("log")))).toBe("ENOTDIR");
    });

    test("tells sizes, null for what is no file", async () => {
      await fileWith("log", "abc");
      expect(await disk.sizeOf(at("log"))).toBe(3);
      expect(await disk.sizeOf(at("none"))).toBe(null);
      expect(await disk.sizeOf(at("none/none"))).toBe(null);
      expect(await disk.sizeOf(at("log/none"))).toBe(null);
      expect(await disk.sizeOf(directory)).toBe(null);
    });

    test("creates directories with their parents, also when they are there", async () => {
      await disk.createDirectory(at("a/b"));
      await disk.createDirectory(at("a/b"));
      await fileWith("a/b/log", "abc");
      await disk.syncDirectory(at("a/b"));
      expect(await disk.sizeOf(at("a/b/log"))).toBe(3);
    });

    test("renames over what is there, keeping open files", async () => {
      await fileWith("old", "old");
      await fileWith("new", "new");
      const old = await disk.open(at("old"), "read");
      await disk.rename(at("new"), at("old"));
      const renamed = await disk.open(at("old"), "read");
      expect(await readAll(renamed)).toBe("new");
      expect(await readAll(old)).toBe("old");
      await old.close();
      await renamed.close();
      expect(await codeOf(disk.rename(at("none"), at("old")))).toBe("ENOENT");
    });

    test("renames directories with what is in them", async () => {
      await disk.createDirectory(at("a"));
      await fileWith("a/log", "abc");
      await disk.rename(at("a"), at("b"));
      expect(await disk.sizeOf(at("b/log"))).toBe(3);
      expect(await disk.sizeOf(at("a/log"))).toBe(null);
    });

    test("removes files and whole directories, also when they are gone", async () => {
      await disk.createDirectory(at("a/b"));
      await fileWith("a/b/log", "abc");
      await fileWith("log", "abc");
      await disk.remove(at("log"));
      await disk.remove(at("log"));
      await disk.removeDirectory(at("a"));
      await disk.removeDirectory(at("a"));
      expect(await disk.list(directory)).toEqual([]);
      await fileWith("log", "abc");
      expect(await codeOf(disk.removeDirectory(at("log")))).toBe("ENOTDIR");
    });

    test("says the same of the boot each time it is asked", async () => {
      expect(await disk.bootId()).toBe(await disk.bootId());
    });

    test("locks once at a time", async () => {
      const first = await disk.lock(at(".lock"));
      expect(first.error).toBe(null);
      expect((await disk.lock(at(".lock"))).error).toBe("held");
      if (first.error === null) {
        await first.lock.release();
        await first.lock.release();
      }
      const second = await disk.lock(at(".lock"));
      expect(second.error).toBe(null);
      if (second.error === null) await second.lock.release();
    });
  });
}
