/**
 * Ids for members: who it is, for people to read, and a random UUID. A name is
 * cut, because an id must fit where a client id of the greatest size fits.
 */
import type { Random } from "../platform/random.ts";

const NAME_LENGTH_MAX = 1_024;

/** The name as it is kept: never cut inside a character. */
export function memberName(name: string | null): string {
  if (name === null) return "";
  return name.slice(0, NAME_LENGTH_MAX).replace(/[\ud800-\udbff]$/, "");
}

/**
 * The client's id, or a static member's instance id, and a version 4 UUID, as
 * Kafka makes them.
 */
export function createMemberId(
  name: string | null,
  random: Pick<Random, "bytes">,
): string {
  return `${memberName(name)}-${createUuid(random.bytes(16))}`;
}

function createUuid(bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte, index) => {
    // RFC 9562: four bits say version 4, two bits the variant.
    if (index === 6) byte = (byte & 0x0f) | 0x40;
    if (index === 8) byte = (byte & 0x3f) | 0x80;
    return byte.toString(16).padStart(2, "0");
  }).join("");
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ];
  return parts.join("-");
}
