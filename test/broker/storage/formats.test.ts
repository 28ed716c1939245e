import { describe, expect, it } from "vitest";
import { MemoryDisk } from "../../../broker/platform/memory/memory-disk.ts";
import {
  formatPartitionOffsets,
  parsePartitionOffsets,
  readSmallFile,
  replaceFile,
} from "../../../broker/storage/checkpoint.ts";
import { FileCache } from "../../../broker/storage/file-cache.ts";
import {
  deletedDirectoryName,
  isDeletedDirectoryName,
  parsePartitionDirectoryName,
  parseSegmentFileName,
  segmentFileName,
} from "../../../broker/storage/layout.ts";
import {
  LeaderEpochs,
  parseLeaderEpochs,
} from "../../../broker/storage/leader-epochs.ts";
import { OffsetIndex } from "../../../broker/storage/offset-index.ts";
import { IndexBlockCache } from "../../../broker/storage/sparse-index.ts";
import { TimeIndex } from "../../../broker/storage/time-index.ts";
import { FailingDisk } from "../../support/failing-disk.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);
const hex = (bytes: Uint8Array | null) =>
  Buffer.from(bytes ?? []).toString("hex");

describe("names on disk", () => {
  it("name segments by twenty digits, and are read back", () => {
    expect(segmentFileName(120_000, "timeIndex")).toBe(
      "00000000000000120000.timeindex",
    );
    expect(parseSegmentFileName("00000000000000120000.timeindex")).toEqual({
      baseOffset: 120_000,
      kind: "timeIndex",
    });
    for (const name of [
      "0.log",
      "00000000000000120000.logs",
      "99999999999999999999.log",
      "x".repeat(20) + ".log",
    ]) {
      expect(parseSegmentFileName(name)).toBe(null);
    }
  });

  it("name partitions by topic and number", () => {
    expect(parsePartitionDirectoryName("a-b-12")).toEqual({
      topic: "a-b",
      partition: 12,
    });
    for (const name of [
      "orders",
      "orders-",
      "-1",
      "orders-01",
      "orders-9999999999",
      "or/ders-1",
    ]) {
      expect(parsePartitionDirectoryName(name)).toBe(null);
    }
  });

  it("keep deleted directories apart, also of the longest topic names", () => {
    const name = deletedDirectoryName(
      { topic: "t".repeat(249), partition: 100_000 },
      "0123456789abcdef0123456789abcdef",
    );
    expect(name.length).toBeLessThanOrEqual(255);
    expect(isDeletedDirectoryName(name)).toBe(true);
    expect(parsePartitionDirectoryName(name)).toBe(null);
    expect(isDeletedDirectoryName("orders-delete")).toBe(false);
  });
});

describe("checkpoints", () => {
  it("have Kafka's text form", () => {
    const entries = [
      { topic: "a", partition: 0, offset: 12 },
      { topic: "b-c", partition: 7, offset: 0 },
    ];
    const bytes = formatPartitionOffsets(entries);
    expect(new TextDecoder().decode(bytes)).toBe("0\n2\na 0 12\nb-c 7 0\n");
    expect(parsePartitionOffsets(bytes, "p")).toEqual(entries);
    for (const broken of [
      "\n",
      "1\n0\n",
      "0\n2\na 0 1\n",
      "0\n1\na 0 x\n",
      "0\n1\na 0 -1\n",
      // A power cut took the end of an offset.
      "0\n1\na 0 1",
    ]) {
      expect(() => parsePartitionOffsets(utf8(broken), "p")).toThrow(
        "corrupt-file at p",
      );
    }
  });

  it("may be empty, as Kafka leaves those it has not written yet", () => {
    expect(parsePartitionOffsets(new Uint8Array(0), "p")).toEqual([]);
  });

  it("are the old ones or the new ones after a failure at any step", async () => {
    for (const operation of ["open", "append", "sync", "rename"] as const) {
      const disk = new FailingDisk(new MemoryDisk());
      await disk.createDirectory("/d");
      const at = { directory: "/d", name: "file" };
      await replaceFile(disk, at, utf8("old"));
      disk.rule = (call) =>
        call.operation === operation
          ? { code: "EIO", writtenSizeBytes: 1 }
          : null;
      await expect(replaceFile(disk, at, utf8("new"))).rejects.toMatchObject({
        code: "EIO",
      });
      disk.rule = () => null;
      expect(await readSmallFile(disk, "/d/file")).toEqual(utf8("old"));
      await replaceFile(disk, at, utf8("new"));
      expect(await readSmallFile(disk, "/d/file")).toEqual(utf8("new"));
    }
  });
});

describe("leader epochs", () => {
  it("are kept in order, cut at both ends, and read back", () => {
    const epochs = new LeaderEpochs();
    epochs.assign(1, 0);
    epochs.assign(1, 5);
    epochs.assign(3, 10);
    epochs.assign(4, 20);
    epochs.truncateFromEnd(20);
    epochs.truncateFromStart(12);
    expect(new TextDecoder().decode(epochs.encode())).toBe("0\n1\n3 12\n");
    expect(parseLeaderEpochs(epochs.encode(), "p").starts()).toEqual([
      { epoch: 3, startOffset: 12 },
    ]);
    expect(epochs.endOffsetFor(1, 30)).toEqual({ epoch: 1, endOffset: 12 });
  });
});

describe("indexes", () => {
  const open = async () => {
    const disk = new MemoryDisk();
    await disk.createDirectory("/d");
    return {
      disk,
      files: new FileCache(disk, 4),
      blocks: new IndexBlockCache(),
    };
  };

  it("hold Kafka's entries", async () => {
    const { disk, files, blocks } = await open();
    const offsets = new OffsetIndex(
      { path: "/d/i", baseOffset: 1000 },
      files,
      blocks,
      0,
    );
    offsets.append(1009, 4200);
    await offsets.entries.flush();
    expect(hex(await readSmallFile(disk, "/d/i"))).toBe("0000000900001068");
    const times = new TimeIndex(
      { path: "/d/t", baseOffset: 1000 },
      files,
      blocks,
      { entryCount: 0, lastTimestampMs: -1 },
    );
    times.maybeAppend(1_700_000_000_000, 1009);
    times.maybeAppend(1_700_000_000_000, 1010);
    times.maybeAppend(5, 1011);
    await times.entries.flush();
    expect(hex(await readSmallFile(disk, "/d/t"))).toBe(
      "0000018bcfe5680000000009",
    );
  });

  it("find the last entry at or before a key, in the file and in memory", async () => {
    const { files, blocks } = await open();
    const index = new OffsetIndex(
      { path: "/d/i", baseOffset: 0 },
      files,
      blocks,
      0,
    );
    for (let slot = 0; slot < 3000; slot++) {
      index.append(slot * 10 + 5, slot * 100 + 1);
      if (slot === 1200 || slot === 2500) await index.entries.flush();
    }
    expect(await index.lookup(4)).toEqual({ offset: 0, position: 0 });
    for (const slot of [
      0, 1, 511, 512, 513, 1200, 1201, 2048, 2500, 2501, 2999,
    ]) {
      for (const beside of [0, 1, 9]) {
        expect(await index.lookup(slot * 10 + 5 + beside)).toEqual({
          offset: slot * 10 + 5,
          position: slot * 100 + 1,
        });
      }
    }
    expect((await index.last()).offset).toBe(29_995);
  });

  it("take the entry of a close back, though it was the last of a whole block", async () => {
    const { disk, files, blocks } = await open();
    const at = { path: "/d/t", baseOffset: 0 };
    const entryCount = 512;
    const closed = new TimeIndex(at, files, blocks, {
      entryCount: 0,
      lastTimestampMs: -1,
    });
    for (let slot = 0; slot < entryCount; slot++) {
      closed.maybeAppend(1000 + slot, slot);
    }
    await closed.entries.flush();
    const times = new TimeIndex(at, files, blocks, {
      entryCount,
      lastTimestampMs: -1,
    });
    const ofClose = { timestampMs: 1511, offset: 511 };
    expect(await times.resume(510)).toEqual(ofClose);
    expect(await times.last()).toEqual({ timestampMs: 1510, offset: 510 });
    times.maybeAppend(1520, 520);
    await times.entries.flush();
    expect(await times.lookup(1515)).toEqual({
      timestampMs: 1510,
      offset: 510,
    });
    expect(await times.last()).toEqual({ timestampMs: 1520, offset: 520 });
    const bytes = await readSmallFile(disk, "/d/t");
    expect(bytes?.length).toBe(entryCount * 12);
  });
});
