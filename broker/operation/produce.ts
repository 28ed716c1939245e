/**
 * Produce: append batches to partitions and answer as `acks` promises.
 *
 * Offsets are assigned before this function returns, unless a partition must
 * first be opened: so requests of one connection keep their order although
 * their answers wait for the disk. What each acks waits for is in
 * `docs/guarantees.md`.
 */
import type { Appended } from "../storage/append-result.ts";
import type { PartitionLog } from "../storage/partition-log.ts";
import type { RequestContext } from "./context.ts";
import { type Refusal, refuse } from "./operation-error.ts";
import type { FoundPartition, Partitions } from "./partitions.ts";
import type { Deadlines } from "./wait.ts";

export interface ProduceRequest {
  /** -1, 0 or 1; anything else is refused. */
  readonly acks: number;
  readonly timeoutMs: number;
  readonly transactionalId: string | null;
  readonly partitions: readonly ProducePartition[];
}

export interface ProducePartition {
  readonly topic: string;
  readonly partition: number;
  /** Exactly one record batch, as Kafka demands since magic 2. */
  readonly records: Uint8Array | null;
}

export interface Produced {
  readonly error: null;
  readonly baseOffset: number;
  /** Only where the topic says LogAppendTime. */
  readonly logAppendTimeMs: number | null;
  readonly startOffset: number;
}

export type ProduceResult = Produced | Refusal;

export interface Producing {
  /** When every batch has its offsets or its refusal; null: already. */
  readonly assigned: Promise<void> | null;
  /** One for each partition of the request, in its order. */
  readonly results: Promise<readonly ProduceResult[]>;
}

export type Produce = (
  context: RequestContext,
  request: ProduceRequest,
) => Producing;
