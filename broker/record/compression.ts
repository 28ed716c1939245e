/**
 * The codecs of a batch's records, synchronous, through well-kept libraries.
 *
 * The broker stores what a producer compressed as it came, so this is the
 * clients' work, and the broker's only where it must look at records. snappy
 * and lz4 are native packages that take 5 to 9 ms to load: they are loaded at
 * first use.
 *
 * Inflating is bounded: no codec allocates more than `sizeBytesMax` and one
 * block or window (at most 8 MB), whatever the input claims.
 */
import { createRequire } from "node:module";
import * as zlib from "node:zlib";
import type * as lz4Package from "lz4-napi";
import type * as snappyPackage from "snappy";
import { assert } from "../lib/assert.ts";
import type { CompressionName } from "./batch-format.ts";
import { readLz4, writeLz4, type Lz4Blocks } from "./lz4-frame.ts";
import { corrupt, RecordError, tooLarge } from "./record-error.ts";
import { readSnappy, writeSnappy, type SnappyBlocks } from "./snappy-format.ts";

const require = createRequire(import.meta.url);

/** What RFC 8878 asks every decoder to support: 8 MB. */
const ZSTD_WINDOW_LOG_MIN = 23;
/** Zstd's own limit for what it takes without being asked: 128 MB. */
const ZSTD_WINDOW_LOG_MAX = 27;

/** Fails only with `unsupported-compression`: the codec's library is not there. */
export function compress(
  name: CompressionName,
  bytes: Uint8Array,
  level: number | null = null,
): Uint8Array | RecordError {
  switch (name) {
    case "none":
      return bytes;
    case "gzip":
      return zlib.gzipSync(bytes, level === null ? {} : { level });
    case "zstd":
      return zstdMissing() ?? zlib.zstdCompressSync(bytes, zstdOptions(level));
    case "snappy": {
      const blocks = snappy();
      if (blocks instanceof RecordError) return blocks;
      return writeSnappy(bytes, blocks);
    }
    case "lz4": {
      const blocks = lz4();
      return blocks instanceof RecordError ? blocks : writeLz4(bytes, blocks);
    }
  }
}

function zstdOptions(level: number | null) {
  if (level === null) return {};
  return {
    params: { [zlib.constants.ZSTD_c_compressionLevel]: level },
  };
}

/** `bytes` themselves where nothing is compressed. */
export function decompress(
  name: CompressionName,
  bytes: Uint8Array,
  limits: { readonly sizeBytesMax: number },
): Uint8Array | RecordError {
  const { sizeBytesMax } = limits;
  assert(sizeBytesMax > 0, "the limit on inflated records must be positive");
  switch (name) {
    case "none":
      return bytes.length > sizeBytesMax ? tooLarge(sizeBytesMax) : bytes;
    case "gzip":
      return inflate(sizeBytesMax, () =>
        zlib.gunzipSync(bytes, { maxOutputLength: sizeBytesMax }),
      );
    case "zstd":
      return (
        zstdMissing() ??
        inflate(sizeBytesMax, () => inflateZstd(bytes, sizeBytesMax))
      );
    case "snappy": {
      const blocks = snappy();
      if (blocks instanceof RecordError) return blocks;
      return readSnappy(bytes, sizeBytesMax, blocks);
    }
    case "lz4": {
      const blocks = lz4();
      if (blocks instanceof RecordError) return blocks;
      return readLz4(bytes, sizeBytesMax, blocks);
    }
  }
}

function inflate(
  sizeBytesMax: number,
  run: () => Uint8Array,
): Uint8Array | RecordError {
  try {
    return run();
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : null;
    return code === "ERR_BUFFER_TOO_LARGE"
      ? tooLarge(sizeBytesMax)
      : corrupt("the records do not inflate", cause);
  }
}

/** A frame names its window, and zlib allocates it before it has seen a byte of content. */
function inflateZstd(bytes: Uint8Array, sizeBytesMax: number): Uint8Array {
  const windowLog = Math.ceil(Math.log2(sizeBytesMax));
  const windowLogMax = Math.min(
    Math.max(windowLog, ZSTD_WINDOW_LOG_MIN),
    ZSTD_WINDOW_LOG_MAX,
  );
  return zlib.zstdDecompressSync(bytes, {
    maxOutputLength: sizeBytesMax,
    params: { [zlib.constants.ZSTD_d_windowLogMax]: windowLogMax },
  });
}

/** Node has zstd since 22.15; an embedder may run us on an older one all the same. */
function zstdMissing(): RecordError | null {
  if (typeof zlib.zstdDecompressSync === "function") return null;
  return new RecordError(
    "unsupported-compression",
    "zstd needs Node 22.15 or later",
  );
}

const snappy = once("snappy", (): SnappyBlocks => {
  const library: typeof snappyPackage = require("snappy");
  // By default the output is memory outside of V8's heap, which it then has to
  // keep the books of: a copy is two to five times faster.
  const options = { asBuffer: true, copyOutputData: true };
  return {
    compress: (bytes) => library.compressSync(bytes, options),
    uncompress: (bytes) => {
      const output = library.uncompressSync(bytes, options);
      assert(typeof output !== "string", "snappy was asked for bytes");
      return output;
    },
  };
});

const lz4 = once("lz4-napi", (): Lz4Blocks => {
  const library: typeof lz4Package = require("lz4-napi");
  // The library puts the inflated size, little-endian, before each block, and
  // takes it as the most it allocates when it inflates.
  return {
    compress: (bytes) => library.compressSync(bufferOf(bytes)).subarray(4),
    uncompress: (bytes, sizeBytesMax) => {
      const prefixed = Buffer.allocUnsafe(4 + bytes.length);
      prefixed.writeUInt32LE(sizeBytesMax, 0);
      prefixed.set(bytes, 4);
      return library.uncompressSync(prefixed);
    },
  };
});

/** Loads at the first call. A failure is remembered, as a missing library does not appear later. */
function once<T>(packageName: string, load: () => T): () => T | RecordError {
  let loaded: T | RecordError | null = null;
  return () => {
    try {
      loaded ??= load();
    } catch (cause) {
      loaded = new RecordError(
        "unsupported-compression",
        `the package ${packageName} does not load on this platform`,
        { cause },
      );
    }
    return loaded;
  };
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
