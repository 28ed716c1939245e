import { describe, expect, test } from "vitest";
import type {
  FileMap,
  MapProvider,
} from "../../../../broker/platform/node/mmap/map.ts";
import { WindowCache } from "../../../../broker/platform/node/mmap/window-cache.ts";
import type { WindowLimits } from "../../../../broker/platform/node/mmap/window-cache.ts";

const limits: WindowLimits = {
  windowSizeBytes: 1000,
  overlapSizeBytes: 100,
  growthStepSizeBytes: 250,
  rangeSizeBytesMax: 3000,
  cacheSizeBytesMax: 3300,
  cacheCountMax: 10,
};

/** Maps of an imaginary file; notes what is mapped and what was released. */
class FakeMaps implements MapProvider {
  readonly live = new Set<string>();
  readonly released: string[] = [];
  isRefusing = false;

  map(fd: number, position: number, sizeBytes: number): FileMap | null {
    if (this.isRefusing) return null;
    const name = `${fd}:${position}-${position + sizeBytes}`;
    if (this.live.has(name)) throw new Error(`${name} is mapped twice`);
    this.live.add(name);
    return {
      bytes: Uint8Array.from(
        { length: sizeBytes },
        (_, index) => position + index,
      ),
      isResident: () => true,
      release: () => {
        if (!this.live.delete(name)) throw new Error(`${name} released twice`);
        this.released.push(name);
      },
    };
  }
}

const sealed = { fd: 3, canGrow: false };
const growing = { fd: 4, canGrow: true };
const file = {};

function setUp(over: Partial<WindowLimits> = {}): {
  readonly maps: FakeMaps;
  readonly cache: WindowCache;
} {
  const maps = new FakeMaps();
  return { maps, cache: new WindowCache(maps, { ...limits, ...over }) };
}

function range(position: number, sizeBytes: number, fileSizeBytes = 10_000) {
  return { position, sizeBytes, fileSizeBytes };
}

describe("the windows of a file", () => {
  test("are mapped once and shared by all ranges in them", () => {
    const { maps, cache } = setUp();
    const first = cache.open(file, sealed, range(1200, 3));
    const second = cache.open(file, sealed, range(1998, 100));
    expect([...maps.live]).toEqual(["3:1000-2100"]);
    expect(first?.bytes).toEqual(Uint8Array.of(1200, 1201, 1202));
    expect(second?.bytes.buffer).toBe(first?.bytes.buffer);
  });

  test("end with the file, and a range beyond it is not mapped", () => {
    const { maps, cache } = setUp();
    expect(cache.open(file, sealed, range(1200, 34, 1234))).not.toBe(null);
    expect([...maps.live]).toEqual(["3:1000-1234"]);
    expect(cache.open(file, sealed, range(1200, 35, 1234))).toBe(null);
    expect(cache.open(file, sealed, range(1234, 0, 1234))).toBe(null);
  });

  test("end a step below the end of a file that grows, and grow with it", () => {
    const { maps, cache } = setUp();
    expect(cache.open(file, growing, range(0, 10, 249))).toBe(null);
    cache.open(file, growing, range(0, 250, 499))?.release();
    expect([...maps.live]).toEqual(["4:0-250"]);
    expect(cache.open(file, growing, range(200, 51, 499))).toBe(null);
    cache.open(file, growing, range(200, 51, 500))?.release();
    expect([...maps.live]).toEqual(["4:0-500"]);
  });

  test("are replaced by a larger one for a range that does not fit, and live on for their users", () => {
    const { maps, cache } = setUp();
    const first = cache.open(file, sealed, range(0, 10));
    cache.open(file, sealed, range(500, 1501))?.release();
    expect([...maps.live]).toEqual(["3:0-1100", "3:0-2100"]);
    first?.release();
    expect([...maps.live]).toEqual(["3:0-2100"]);
    expect(cache.open(file, sealed, range(0, 3001))).toBe(null);
  });

  test("leave the cache by age when it is full of bytes or of windows", () => {
    const bytes = setUp();
    for (const position of [500, 1500, 2500, 500, 3500]) {
      bytes.cache.open(file, sealed, range(position, 10))?.release();
    }
    expect(bytes.maps.released).toEqual(["3:1000-2100"]);
    expect(bytes.cache.mapped).toEqual({ count: 3, sizeBytes: 3300 });

    const count = setUp({ cacheCountMax: 2 });
    for (const position of [500, 1500, 2500]) {
      count.cache.open(file, sealed, range(position, 10))?.release();
    }
    expect(count.maps.released).toEqual(["3:0-1100"]);
  });

  test("are unmapped when they are evicted and the last user is done, whichever is later", () => {
    const { maps, cache } = setUp({ cacheCountMax: 1 });
    const first = cache.open(file, sealed, range(0, 10));
    const second = cache.open(file, sealed, range(20, 10));
    cache.open(file, sealed, range(1500, 10))?.release();
    first?.release();
    first?.release();
    expect(maps.released).toEqual([]);
    second?.release();
    expect(maps.released).toEqual(["3:0-1100"]);
  });

  test("serve again while somebody still holds one that was evicted", () => {
    const { maps, cache } = setUp({ cacheCountMax: 1 });
    const first = cache.open(file, sealed, range(0, 10));
    cache.open(file, sealed, range(1500, 10))?.release();
    const again = cache.open(file, sealed, range(5, 10));
    expect(again?.bytes[0]).toBe(5);
    first?.release();
    again?.release();
    expect(maps.released).toEqual(["3:0-1100"]);
  });

  test("outlive a cache that is too small for one", () => {
    const { maps, cache } = setUp({ cacheSizeBytesMax: 500 });
    const window = cache.open(file, sealed, range(0, 10));
    expect(window?.bytes.length).toBe(10);
    expect(maps.released).toEqual([]);
    window?.release();
    expect(maps.released).toEqual(["3:0-1100"]);
  });

  test("go with their file, once nobody uses them", () => {
    const { maps, cache } = setUp();
    const other = {};
    cache.open(file, sealed, range(0, 10))?.release();
    const held = cache.open(file, sealed, range(1500, 10));
    cache.open(other, growing, range(0, 10))?.release();
    cache.forget(file);
    expect([...maps.live]).toEqual(["3:1000-2100", "4:0-1100"]);
    held?.release();
    expect([...maps.live]).toEqual(["4:0-1100"]);
  });

  test("are given up before a cut, unless a view in use ends beyond it", () => {
    const { maps, cache } = setUp();
    const low = cache.open(file, sealed, range(0, 10));
    const high = cache.open(file, sealed, range(600, 10));
    cache.open(file, sealed, range(2500, 10))?.release();
    expect(cache.cut(file, 609)).toBe(false);
    expect(maps.released).toEqual([]);
    expect(cache.cut(file, 610)).toBe(true);
    expect(maps.released).toEqual(["3:2000-3100"]);
    expect(cache.open(file, sealed, range(700, 10, 610))).toBe(null);
    low?.release();
    high?.release();
    expect([...maps.live]).toEqual([]);
  });

  test("are done without where the system refuses", () => {
    const { maps, cache } = setUp();
    maps.isRefusing = true;
    expect(cache.open(file, sealed, range(0, 10))).toBe(null);
    expect(cache.isResident(file, 0, 10)).toBe(false);
    maps.isRefusing = false;
    expect(cache.open(file, sealed, range(0, 10))).not.toBe(null);
    expect(cache.isResident(file, 0, 10)).toBe(true);
  });
});
