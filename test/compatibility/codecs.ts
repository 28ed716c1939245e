/** The codecs that kafkajs leaves to its users. Raw snappy, as librdkafka writes it. */
import * as zlib from "node:zlib";
import { CompressionCodecs, CompressionTypes } from "kafkajs";
import { compressFrame, decompressFrame } from "lz4-napi";
import { compress, uncompress } from "snappy";

interface Encoder {
  readonly buffer: Buffer;
}

export function registerCodecs(): void {
  CompressionCodecs[CompressionTypes.Snappy] = () => ({
    compress: ({ buffer }: Encoder) => compress(buffer),
    decompress: async (bytes: Buffer) => Buffer.from(await uncompress(bytes)),
  });
  CompressionCodecs[CompressionTypes.LZ4] = () => ({
    compress: ({ buffer }: Encoder) => compressFrame(buffer),
    decompress: (bytes: Buffer) => decompressFrame(bytes),
  });
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: async ({ buffer }: Encoder) => zlib.zstdCompressSync(buffer),
    decompress: async (bytes: Buffer) => zlib.zstdDecompressSync(bytes),
  });
}
