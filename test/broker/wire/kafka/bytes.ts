/** Bytes as tests write and compare them. */
import type { Payload } from "../../../../broker/lib/payload.ts";

/** Hexadecimal, spaced as the reader likes. */
export function hex(...pieces: string[]): Uint8Array {
  const digits = pieces.join("").replaceAll(/\s/g, "");
  return new Uint8Array(Buffer.from(digits, "hex"));
}

/** A payload as one array. */
export function bytesOf({ parts }: Payload): Uint8Array {
  const chunks = parts.map((part) => {
    if (part instanceof Uint8Array) return part;
    throw new TypeError("a stream");
  });
  return new Uint8Array(Buffer.concat(chunks));
}
