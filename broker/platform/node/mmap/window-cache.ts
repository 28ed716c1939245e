/**
 * The windows of all open files: parts of files that are mapped, on demand.
 *
 * A file is cut into windows of 16 MB, each mapped at the first use of a range
 * that begins in it and kept in an LRU bound by bytes and by count (Linux
 * allows a process 65,530 maps). Users get a `subarray` of a window's one
 * buffer: V8 counts every *buffer* on foreign memory against its heap, and
 * collects more often for it, but not the views on one.
 *
 * A window reaches 1 MB into the next, so that most ranges that begin in it end
 * in it; one that does not has the window replaced by a larger. The last window
 * of a file ends with the file; of a file that still grows, at a whole step
 * below its end, or it would be replaced with every append.
 *
 * Invariant: a window is unmapped when it is out of the cache *and* its last
 * user has released it, whichever comes later, and only once.
 */
import { LRUCache } from "lru-cache";
import type { MappedWindow } from "../../disk.ts";
import type { FileMap, MapProvider } from "./map.ts";

export interface WindowLimits {
  readonly windowSizeBytes: number;
  readonly overlapSizeBytes: number;
  /** A file that grows is mapped up to a multiple of this. */
  readonly growthStepSizeBytes: number;
  /** A longer range is never mapped whole. */
  readonly rangeSizeBytesMax: number;
  readonly cacheSizeBytesMax: number;
  readonly cacheCountMax: number;
}

const MEGABYTE = 1024 * 1024;

export const defaultWindowLimits: WindowLimits = {
  windowSizeBytes: 16 * MEGABYTE,
  overlapSizeBytes: MEGABYTE,
  growthStepSizeBytes: 4 * MEGABYTE,
  rangeSizeBytesMax: 64 * MEGABYTE,
  cacheSizeBytesMax: 256 * MEGABYTE,
  cacheCountMax: 4096,
};

/** Stands for an open file; windows of different openings are not shared. */
type FileIdentity = object;

export interface Range {
  readonly position: number;
  readonly sizeBytes: number;
  readonly fileSizeBytes: number;
}

/** A view that was handed out: where in the file it ends. */
interface Use {
  readonly end: number;
}

interface Window {
  readonly file: FileIdentity;
  readonly index: number;
  readonly position: number;
  readonly end: number;
  readonly map: FileMap;
  readonly uses: Set<Use>;
  isCached: boolean;
}

export class WindowCache {
  readonly #maps: MapProvider;
  readonly #limits: WindowLimits;
  /**
   * The order of use; its keys are the windows themselves. Made with the first
   * window: it takes room for all of them, which many a broker never needs.
   */
  #cache: LRUCache<Window, Window> | null = null;
  /** Every window that is mapped, in the cache or only in use, by file. */
  readonly #byFile = new Map<FileIdentity, Set<Window>>();

  constructor(maps: MapProvider, limits: WindowLimits = defaultWindowLimits) {
    this.#maps = maps;
    this.#limits = limits;
  }

  /** A view on exactly the range, or null where it cannot be mapped now. */
  open(
    file: FileIdentity,
    opened: { readonly fd: number; readonly canGrow: boolean },
    range: Range,
  ): MappedWindow | null {
    const { position, sizeBytes, fileSizeBytes } = range;
    // A window may reach beyond a file that was cut since.
    if (position + sizeBytes > fileSizeBytes) return null;
    if (sizeBytes <= 0 || sizeBytes > this.#limits.rangeSizeBytesMax) {
      return null;
    }
    const cached = this.#find(file, position, sizeBytes);
    if (cached !== null && cached.isCached) this.#cache?.get(cached);
    const window = cached ?? this.#mapAround(file, opened, range);
    return window === null ? null : this.#use(window, position, sizeBytes);
  }

  /** Whether the range is mapped and all in memory, so that touching it is safe and does not wait. */
  isResident(file: FileIdentity, position: number, sizeBytes: number): boolean {
    const window = this.#find(file, position, sizeBytes);
    if (window === null) return false;
    return window.map.isResident(position - window.position, sizeBytes);
  }

  /**
   * Gives up the windows that reach beyond the size, before the file is cut to
   * it. False, and nothing happens, when a view in use does so itself: its
   * bytes would be gone. One that merely lies in such a window is no obstacle.
   */
  cut(file: FileIdentity, sizeBytes: number): boolean {
    const beyond = [...(this.#byFile.get(file) ?? [])].filter(
      (window) => window.end > sizeBytes,
    );
    for (const window of beyond) {
      for (const use of window.uses) if (use.end > sizeBytes) return false;
    }
    for (const window of beyond) this.#cache?.delete(window);
    return true;
  }

  /** The file is closed: its windows go as soon as their users are done. */
  forget(file: FileIdentity): void {
    for (const window of [...(this.#byFile.get(file) ?? [])]) {
      this.#cache?.delete(window);
    }
  }

  /** What is mapped now, in the cache or only in use. */
  get mapped(): { readonly count: number; readonly sizeBytes: number } {
    let count = 0;
    let sizeBytes = 0;
    for (const windows of this.#byFile.values()) {
      for (const window of windows) {
        count += 1;
        sizeBytes += window.end - window.position;
      }
    }
    return { count, sizeBytes };
  }

  #find(
    file: FileIdentity,
    position: number,
    sizeBytes: number,
  ): Window | null {
    // A file has few windows at a time: the cap of the whole cache is sixteen.
    for (const window of this.#byFile.get(file) ?? []) {
      if (window.position <= position && position + sizeBytes <= window.end) {
        return window;
      }
    }
    return null;
  }

  #mapAround(
    file: FileIdentity,
    opened: { readonly fd: number; readonly canGrow: boolean },
    range: Range,
  ): Window | null {
    const limits = this.#limits;
    const index = Math.floor(range.position / limits.windowSizeBytes);
    const position = index * limits.windowSizeBytes;
    const rangeEnd = range.position + range.sizeBytes;
    const overshoot = rangeEnd % limits.overlapSizeBytes;
    const wantedEnd = Math.max(
      position + limits.windowSizeBytes + limits.overlapSizeBytes,
      overshoot === 0
        ? rangeEnd
        : rangeEnd - overshoot + limits.overlapSizeBytes,
    );
    const step = opened.canGrow ? limits.growthStepSizeBytes : 1;
    const mappableEnd = range.fileSizeBytes - (range.fileSizeBytes % step);
    const end = Math.min(wantedEnd, mappableEnd);
    if (rangeEnd > end) return null;
    const map = this.#maps.map(opened.fd, position, end - position);
    if (map === null) return null;
    this.#replace(file, index);
    return this.#keep({
      file,
      index,
      position,
      end,
      map,
      uses: new Set(),
      isCached: false,
    });
  }

  /** The smaller window that the new one covers is of no more use to anybody new. */
  #replace(file: FileIdentity, index: number): void {
    for (const window of [...(this.#byFile.get(file) ?? [])]) {
      if (window.index === index) this.#cache?.delete(window);
    }
  }

  #keep(window: Window): Window {
    const windows = this.#byFile.get(window.file) ?? new Set();
    windows.add(window);
    this.#byFile.set(window.file, windows);
    // In use while it is put in: a window larger than the whole cache is
    // turned away at once, and must outlive that for its first user.
    const first = { end: window.position };
    window.uses.add(first);
    window.isCached = true;
    this.#cache ??= this.#createCache();
    this.#cache.set(window, window);
    window.isCached = this.#cache.has(window);
    window.uses.delete(first);
    return window;
  }

  #use(window: Window, position: number, sizeBytes: number): MappedWindow {
    const start = position - window.position;
    const bytes = window.map.bytes.subarray(start, start + sizeBytes);
    const use = { end: position + sizeBytes };
    window.uses.add(use);
    return {
      bytes,
      release: () => {
        // A second release must not take the window from somebody else.
        if (window.uses.delete(use)) this.#maybeUnmap(window);
      },
    };
  }

  #createCache(): LRUCache<Window, Window> {
    return new LRUCache<Window, Window>({
      max: this.#limits.cacheCountMax,
      maxSize: this.#limits.cacheSizeBytesMax,
      sizeCalculation: (window) => window.end - window.position,
      dispose: (window) => {
        window.isCached = false;
        this.#maybeUnmap(window);
      },
    });
  }

  #maybeUnmap(window: Window): void {
    if (window.isCached || window.uses.size > 0) return;
    const windows = this.#byFile.get(window.file);
    if (windows === undefined || !windows.delete(window)) return;
    if (windows.size === 0) this.#byFile.delete(window.file);
    window.map.release();
  }
}
