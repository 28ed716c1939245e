import { describe, expect, test } from "vitest";
import { MemoryDisk } from "../../../../broker/platform/memory/memory-disk.ts";

describe("a memory disk with a capacity", () => {
  test("takes what fits of an append and refuses the rest", async () => {
    const disk = new MemoryDisk({ capacitySizeBytes: 10 });
    const file = await disk.open("log", "append");
    await file.append([Buffer.from("abcdef")]);
    const late = file.append([Buffer.from("gh"), Buffer.from("ijkl")]);
    await expect(late).rejects.toMatchObject({ code: "ENOSPC", path: "log" });
    expect(file.sizeBytes).toBe(10);
    expect(() => file.appendSync([Buffer.from("m")])).toThrow("ENOSPC");
    expect(file.sizeBytes).toBe(10);
  });

  test("has room again after a cut, a removal, and a replacement", async () => {
    const disk = new MemoryDisk({ capacitySizeBytes: 10 });
    const fill = async (path: string): Promise<void> => {
      const file = await disk.open(path, "append");
      await file.append([Buffer.alloc(10 - file.sizeBytes)]);
      await file.close();
    };
    await fill("a");
    const cut = await disk.open("a", "append");
    await cut.truncate(4);
    await cut.append([Buffer.alloc(6)]);
    await cut.close();

    await disk.remove("a");
    await fill("b");
    await (await disk.open("b", "create")).close();
    await fill("c");
    await disk.rename("b", "c");
    await fill("d");
    await disk.remove("d");
    await disk.createDirectory("dir");
    await fill("dir/e");
    await disk.removeDirectory("dir");
    await fill("f");
    expect(await disk.sizeOf("f")).toBe(10);
  });

  test("gives a removed file's room back when its last handle closes", async () => {
    const disk = new MemoryDisk({ capacitySizeBytes: 10 });
    const removed = await disk.open("a", "append");
    await removed.append([Buffer.alloc(10, "a")]);
    await disk.remove("a");
    const other = await disk.open("b", "append");
    await expect(other.append([Buffer.alloc(1)])).rejects.toThrow("ENOSPC");
    const target = Buffer.alloc(1);
    await removed.read(target, 9);
    expect(target.toString()).toBe("a");
    await removed.close();
    await other.append([Buffer.alloc(10)]);
  });
});
