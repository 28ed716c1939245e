/**
 * Maps through the `mmap-io` package, or a fork of it, that the user hands in.
 *
 * It has no unmap: a map goes when V8 collects its buffer. So releasing only
 * drops the reference, and views that somebody still holds stay good.
 */
import type { FileMap, MapProvider } from "./map.ts";

/** The largest page of any system: the kernel wants to be asked from a page's start. */
const PAGE_SIZE_BYTES_MAX = 64 * 1024;

/** The part of mmap-io that is used. */
export interface MmapIo {
  readonly PROT_READ: number;
  readonly MAP_SHARED: number;
  map(
    sizeBytes: number,
    protection: number,
    privacy: number,
    fd: number,
    position?: number,
  ): Uint8Array;
  /** How many pages of the buffer are out of memory, and in it. */
  incore?(buffer: Uint8Array): readonly [number, number];
}

export function createMmapIoMaps(mmapIo: MmapIo): MapProvider {
  return {
    map(fd, position, sizeBytes) {
      let bytes: Uint8Array | null;
      try {
        bytes = mmapIo.map(
          sizeBytes,
          mmapIo.PROT_READ,
          mmapIo.MAP_SHARED,
          fd,
          position,
        );
      } catch (error) {
        // The system refused (too many maps, say): plain reads do the same work.
        if (error instanceof Error) return null;
        throw error;
      }
      return mapOf(mmapIo, bytes);
    },
  };
}

function mapOf(mmapIo: MmapIo, mapped: Uint8Array): FileMap {
  let bytes: Uint8Array | null = mapped;
  return {
    get bytes() {
      return bytes ?? new Uint8Array(0);
    },
    isResident(position, sizeBytes) {
      if (bytes === null || mmapIo.incore === undefined) return false;
      const start = position - (position % PAGE_SIZE_BYTES_MAX);
      const [absentCount] = mmapIo.incore(
        bytes.subarray(start, position + sizeBytes),
      );
      return absentCount === 0;
    },
    release: () => {
      bytes = null;
    },
  };
}
