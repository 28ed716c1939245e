/**
 * Frames of the compact protocol as they are on the wire, in hex. The same
 * stand in `docs/formats/compact-protocol.md`. DO NOT CHANGE: a client that was
 * written against them must go on working.
 */
export const golden = {
  preface: "ff4d4c52",
  helloRequest: "0000000b 97 00 01 01 01 01 a3617070 c0",
  helloAnswer: "00000011 97 01 01 01 01 a56c6f63616c 01 ce06400000",
  produceRequest:
    "00000016 96 00 02 14 ff cd03e8 91 93 a66f7264657273 00 03 010203",
  produceAnswer: "0000000a 94 01 02 14 91 94 c0 05 c0 00",
  error:
    "00000030 96 02 03 16 af696e76616c69642d72657175657374 ba7468652072657175657374206d616b6573206e6f2073656e7365 c0",
  batchesPush: "00000010 9c 03 01 19 a16f 00 02 c0 07 09 09 00 c0 0a0b",
} as const;

/** As brokers pushed before they told of a log that was cut: it is read on. */
export const pushWithoutDivergingOffset =
  "0000000f 9b 03 01 19 a16f 00 02 c0 07 09 09 00 0a0b";

export function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));
}
