/**
 * Which topic names exist at all. The rules are Kafka's (`Topic.validate`,
 * `Topic.hasCollision`), because a name becomes a directory and a metric.
 */

export const OFFSETS_TOPIC = "__consumer_offsets";
export const TRANSACTIONS_TOPIC = "__transaction_state";
/** The catalog's own log: never a topic, though it has a topic's directory. */
export const CATALOG_TOPIC = "__cluster_metadata";
/** Kafka's own id of it. DO NOT CHANGE: on disk. */
export const CATALOG_TOPIC_ID = "AAAAAAAAAAAAAAAAAAAAAQ";

const NAME_LENGTH_MAX = 249;

/** Why the name is not allowed, or null. */
export function topicNameFault(name: string): string | null {
  if (name.length === 0) return "a topic name must not be empty";
  if (name === "." || name === "..") return `a topic cannot be named '${name}'`;
  if (name.length > NAME_LENGTH_MAX) {
    return `a topic name has at most ${NAME_LENGTH_MAX} characters, this one has ${name.length}`;
  }
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) {
    return `topic name '${name}' has characters other than a-z, A-Z, 0-9, '.', '_' and '-'`;
  }
  return null;
}

/**
 * Two names collide when this is the same: metrics write '.' as '_'. Only one
 * of them may be created.
 */
export function collisionKey(name: string): string {
  return name.replaceAll(".", "_");
}

/** Topics that the broker keeps for itself: read by anyone, changed by nobody else. */
export function isInternalTopic(name: string): boolean {
  return name === OFFSETS_TOPIC || name === TRANSACTIONS_TOPIC;
}
