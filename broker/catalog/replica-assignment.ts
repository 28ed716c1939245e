/**
 * Replica assignments and factors as clients may state them. This node is the
 * only replica of everything, so they can only say that, or be refused as Kafka
 * refuses what its brokers cannot do.
 */
import { refuse, type CatalogRefusal } from "./catalog-answers.ts";

export interface PartitionAssignment {
  readonly partition: number;
  readonly replicas: readonly number[];
}

/** Why these replicas cannot be, or null. */
export function replicasFault(
  replicas: readonly number[],
  nodeId: number,
): CatalogRefusal | null {
  if (replicas.length === 0) {
    return refuse(
      "invalid-replica-assignment",
      "an assignment has no replicas",
    );
  }
  const stranger = replicas.find((replica) => replica !== nodeId);
  if (stranger !== undefined) {
    return refuse(
      "invalid-replica-assignment",
      `an assignment names broker ${stranger}, the only broker is ${nodeId}`,
    );
  }
  if (replicas.length > 1) {
    return refuse(
      "invalid-replica-assignment",
      `an assignment names broker ${nodeId} more than once`,
    );
  }
  return null;
}

/** Why a whole topic cannot be assigned so, or null: partitions are 0, 1, 2 and so on, each once. */
export function assignmentsFault(
  assignments: readonly PartitionAssignment[],
  nodeId: number,
): CatalogRefusal | null {
  const seen = new Set<number>();
  for (const { partition, replicas } of assignments) {
    if (seen.has(partition)) {
      return refuse(
        "invalid-replica-assignment",
        `partition ${partition} is assigned more than once`,
      );
    }
    seen.add(partition);
    const fault = replicasFault(replicas, nodeId);
    if (fault !== null) return fault;
  }
  for (let partition = 0; partition < seen.size; partition++) {
    if (!seen.has(partition)) {
      return refuse(
        "invalid-replica-assignment",
        `partition ${partition} is missing from the assignment`,
      );
    }
  }
  return null;
}

/** `null` asks for the default, which is 1. */
export function replicationFactorFault(
  factor: number | null,
): CatalogRefusal | null {
  if (factor === null || factor === 1) return null;
  return refuse(
    "invalid-replication-factor",
    factor < 1
      ? "the replication factor must be larger than 0, or -1 for the default"
      : `a replication factor of ${factor} cannot be reached by one broker`,
  );
}
