/** Random uuids of version 4 in Kafka's text form: topic ids, incarnations. */
import type { Random } from "../platform/random.ts";

const UUID_SIZE = 16;

/**
 * Never one of the ids that Kafka reserves (zero, and a handful of small ones):
 * the version bits are set. Never with a '-' in front, as in Kafka, so that it
 * can stand on a command line.
 */
export function createRandomUuid(random: Random): string {
  for (;;) {
    const bytes = Buffer.from(random.bytes(UUID_SIZE));
    bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
    bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
    const text = bytes.toString("base64url");
    if (!text.startsWith("-")) return text;
  }
}
