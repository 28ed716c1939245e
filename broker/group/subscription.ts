/**
 * Which topics a group's consumers are subscribed to: the broker reads as much
 * of what they tell their leader as every version begins with.
 *
 *   subscription := version: int16
 *                   topics:  int32 count, count x (int16 size, text)
 *                   ...      whatever later versions add
 */
import { readInt16, readInt32 } from "../lib/bytes.ts";
import type { ClassicGroup } from "./classic-group.ts";
import { metadataOf } from "./classic-member.ts";

/** `unknown`: a member says something else, so any topic may be among them. */
export type SubscribedTopics = ReadonlySet<string> | "unknown";

export function isSubscribed(topics: SubscribedTopics, topic: string): boolean {
  return topics === "unknown" || topics.has(topic);
}

/** None for a group without members, or whose members are no consumers. */
export function subscribedTopics(group: ClassicGroup): SubscribedTopics {
  const topics = new Set<string>();
  if (group.protocolType !== "consumer") return topics;
  for (const member of group.members) {
    const metadata = metadataOf(member, group.protocol);
    const read = metadata === null ? null : readTopics(metadata);
    if (read === null) return "unknown";
    for (const topic of read) topics.add(topic);
  }
  return topics;
}

/** Null for what is no subscription. The bytes are a stranger's. */
function readTopics(bytes: Uint8Array): readonly string[] | null {
  if (bytes.length < 6) return null;
  const count = readInt32(bytes, 2);
  let position = 6;
  // An entry is two bytes at least.
  if (count < 0 || count > (bytes.length - position) / 2) return null;
  const topics: string[] = [];
  const decoder = new TextDecoder();
  for (let index = 0; index < count; index += 1) {
    if (bytes.length - position < 2) return null;
    const sizeBytes = readInt16(bytes, position);
    position += 2;
    if (sizeBytes < 0 || sizeBytes > bytes.length - position) return null;
    topics.push(decoder.decode(bytes.subarray(position, position + sizeBytes)));
    position += sizeBytes;
  }
  return topics;
}
