/**
 * Where reading begins: at what the group has committed, else where `from`
 * says; and where a symbolic target lies.
 */
import type {
  From,
  SeekTarget,
  TopicPartition,
  TopicPartitionOffset,
} from "../client.ts";
import type { Driver, Isolation } from "./driver.ts";
import { refused } from "./refusal.ts";
import { sameId } from "./topic-partitions.ts";

/** Committed offsets of the group, `from` where there are none. */
export async function startPositions(
  driver: Driver,
  partitions: readonly TopicPartition[],
  options: {
    readonly group: string;
    readonly from: From;
    readonly isolation: Isolation;
  },
): Promise<readonly TopicPartitionOffset[]> {
  if (partitions.length === 0) return [];
  const committed = await driver.group.committed(options.group, partitions);
  const without = partitions.filter((_, index) => {
    const known = committed[index];
    return known === null || known === undefined;
  });
  const begun = await offsetsOf(
    driver,
    without.map((id) => ({ ...sameId(id), at: options.from })),
    options.isolation,
  );
  let next = 0;
  return partitions.map((id, index) => {
    const known = committed[index] ?? null;
    if (known === null) return { ...sameId(id), offset: begun[next++] ?? 0 };
    const { offset, leaderEpoch } = known;
    return leaderEpoch === undefined
      ? { ...sameId(id), offset }
      : { ...sameId(id), offset, leaderEpoch };
  });
}

/**
 * The offset of each target; the end of the partition where it lies behind the
 * last record. Rejects with the first refusal.
 */
export async function offsetsOf(
  driver: Driver,
  partitions: readonly (TopicPartition & { readonly at: SeekTarget })[],
  isolation: Isolation,
): Promise<readonly number[]> {
  const found = await lookedUp(driver, partitions, isolation);
  const behind = partitions.flatMap((id, index) =>
    found[index] === null ? [{ ...sameId(id), at: "latest" as const }] : [],
  );
  const ends = await lookedUp(driver, behind, isolation);
  let next = 0;
  return found.map((offset) => offset ?? ends[next++] ?? 0);
}

/** Null where the target lies behind the last record. */
export async function lookedUp(
  driver: Pick<Driver, "offsetsAt">,
  partitions: readonly (TopicPartition & { readonly at: SeekTarget })[],
  isolation: Isolation,
): Promise<readonly (number | null)[]> {
  if (partitions.length === 0) return [];
  const offsets = await driver.offsetsAt(partitions, isolation);
  return partitions.map(({ topic, partition, at }, index) => {
    const found = offsets[index];
    if (found === undefined || found.error !== null) {
      throw refused(
        `the offset of ${topic}-${partition} at ${JSON.stringify(at)}`,
        found?.error ?? "unknown-topic-or-partition",
      );
    }
    return found.offset;
  });
}
