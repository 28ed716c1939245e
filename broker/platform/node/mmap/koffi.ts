/**
 * Maps through koffi: real ones, with a real unmap.
 *
 * Releasing takes the bytes away before the memory: `transfer(0)` detaches the
 * buffer, so that a view somebody forgot is empty instead of deadly, and takes
 * its size off V8's account of external memory at once. (A `transfer()` without
 * the 0 keeps it there until the next collection: 31 full collections for 2,000
 * windows of 16 MB where this makes 2.)
 */
import { loadLibc } from "../libc.ts";
import type { Libc } from "../libc.ts";
import type { FileMap, MapProvider } from "./map.ts";

export function createKoffiMaps(): MapProvider {
  return {
    map(fd, position, sizeBytes) {
      const { libc } = loadLibc();
      return libc === null ? null : mapWith(libc, fd, position, sizeBytes);
    },
  };
}

function mapWith(
  libc: Libc,
  fd: number,
  position: number,
  sizeBytes: number,
): FileMap | null {
  // Refused where the process has too many maps or too little address space.
  const address = libc.mmapReadOnly(fd, position, sizeBytes);
  if (address === null) return null;
  const buffer = libc.view(address, sizeBytes);
  return {
    bytes: new Uint8Array(buffer),
    isResident: (start, size) =>
      size === 0 || libc.mincore(address + start, size) === true,
    release: () => {
      buffer.transfer(0);
      libc.munmap(address, sizeBytes);
    },
  };
}
