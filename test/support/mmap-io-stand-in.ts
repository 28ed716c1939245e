/**
 * Stands in for the `mmap-io` package, which does not compile on a current
 * Node: the same calls with the same meaning, on copies of the file.
 */
import { fstatSync, readSync } from "node:fs";
import type { MmapIo } from "../../broker/platform/node/mmap/mmap-io.ts";

export interface MmapIoStandIn extends MmapIo {
  mapCount: number;
}

export function createMmapIoStandIn(): MmapIoStandIn {
  return {
    PROT_READ: 1,
    MAP_SHARED: 1,
    mapCount: 0,
    map(sizeBytes, protection, privacy, fd, position = 0) {
      if (protection !== this.PROT_READ || privacy !== this.MAP_SHARED) {
        throw new Error("maps are read-only and shared");
      }
      if (position % 4096 !== 0) throw new Error("not at the start of a page");
      if (position + sizeBytes > fstatSync(fd).size) {
        throw new Error("beyond the end of the file");
      }
      this.mapCount += 1;
      const bytes = Buffer.alloc(sizeBytes);
      readSync(fd, bytes, 0, sizeBytes, position);
      return bytes;
    },
    incore: (buffer) => [0, Math.ceil(buffer.length / 4096)],
  };
}
