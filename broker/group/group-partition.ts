/**
 * Which partition of `__consumer_offsets` holds a group: Java's hash of its id,
 * without the sign, modulo the number of partitions. DO NOT CHANGE: on disk. A
 * directory written by Kafka must find its groups again, and clients ask the
 * partition's leader.
 */

/** Java's `String.hashCode`: over UTF-16 units, in 32 bits that wrap round. */
export function javaHash(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index += 1) {
    hash = (Math.imul(31, hash) + text.charCodeAt(index)) | 0;
  }
  return hash;
}

/**
 * The absolute value, not the hash with its sign bit cleared: Kafka's
 * `Utils.abs`, which answers 0 for the one number whose negation overflows.
 */
export function groupPartition(
  groupId: string,
  partitionCount: number,
): number {
  const hash = javaHash(groupId);
  return hash === -(2 ** 31) ? 0 : Math.abs(hash) % partitionCount;
}
