/**
 * The few calls of the C library that Node does not offer, through koffi.
 *
 * koffi is loaded at the first use (15 ms, 9 MB) and at most once a process.
 * Where it is missing or cannot be loaded, the reason is kept and everything
 * goes on without: plain reads, a lock by process id.
 */
import { createRequire } from "node:module";

export interface Libc {
  /** The address, or null when the system refused. */
  mmapReadOnly(fd: number, position: number, sizeBytes: number): number | null;
  munmap(address: number, sizeBytes: number): void;
  /** Memory as an ArrayBuffer, without a copy. Touching it after `munmap` kills the process. */
  view(address: number, sizeBytes: number): ArrayBuffer;
  /** Whether all pages of the range are in memory; null where the system does not say. */
  mincore(address: number, sizeBytes: number): boolean | null;
  /** Takes the exclusive lock on the descriptor's file; false when another descriptor has it. */
  flockExclusive(fd: number): boolean;
}

export type LoadedLibc =
  | { readonly libc: Libc; readonly reason: null }
  | { readonly libc: null; readonly reason: unknown };

// The values are the same on Linux and macOS.
const PROT_READ = 1;
const MAP_SHARED = 1;
const LOCK_EX_NB = 2 | 4;
/** The least page there is; a kernel with larger ones answers EINVAL, which means "not known". */
const PAGE_SIZE_BYTES = 4096;

// One library a process, however many brokers it has.
let loaded: LoadedLibc | null = null;

export function loadLibc(): LoadedLibc {
  if (loaded !== null) return loaded;
  try {
    loaded = { libc: bindLibc(), reason: null };
  } catch (reason) {
    loaded = { libc: null, reason };
  }
  return loaded;
}

function bindLibc(): Libc {
  if (process.platform === "win32") throw new Error("Windows has no libc");
  const koffi: typeof import("koffi") = createRequire(import.meta.url)("koffi");
  const library = koffi.load(null);
  const mmap = library.func(
    "intptr_t mmap(intptr_t address, size_t size, int protection, int flags, int fd, int64_t position)",
  );
  const munmap = library.func("int munmap(intptr_t address, size_t size)");
  const flock = library.func("int flock(int fd, int operation)");
  const mincore =
    process.platform === "linux"
      ? library.func(
          "int mincore(intptr_t address, size_t size, uint8_t *resident)",
        )
      : null;
  let residency = new Uint8Array(1024);

  return {
    mmapReadOnly(fd, position, sizeBytes) {
      const address: unknown = mmap(
        0,
        sizeBytes,
        PROT_READ,
        MAP_SHARED,
        fd,
        position,
      );
      return typeof address === "number" && address !== -1 ? address : null;
    },
    munmap(address, sizeBytes) {
      const answer: unknown = munmap(address, sizeBytes);
      if (answer !== 0)
        throw new Error(`munmap failed: errno ${koffi.errno()}`);
    },
    view: (address, sizeBytes) => koffi.view(address, sizeBytes),
    mincore(address, sizeBytes) {
      if (mincore === null) return null;
      const start = address - (address % PAGE_SIZE_BYTES);
      const spanSizeBytes = address + sizeBytes - start;
      const pageCount = Math.ceil(spanSizeBytes / PAGE_SIZE_BYTES);
      if (residency.length < pageCount) residency = new Uint8Array(pageCount);
      const answer: unknown = mincore(start, spanSizeBytes, residency);
      if (answer !== 0) return null;
      // The lowest bit is the answer, the others are reserved.
      for (let page = 0; page < pageCount; page += 1) {
        if (((residency[page] ?? 0) & 1) === 0) return false;
      }
      return true;
    },
    flockExclusive(fd) {
      const answer: unknown = flock(fd, LOCK_EX_NB);
      if (answer === 0) return true;
      const { EWOULDBLOCK, EAGAIN } = koffi.os.errno;
      const errno = koffi.errno();
      if (errno === EWOULDBLOCK || errno === EAGAIN) return false;
      throw new Error(`flock failed: errno ${errno}`);
    },
  };
}
