/** DeleteRecords: moves a partition's start; what lies below is gone. */
import type { RequestContext } from "./context.ts";
import { type Refusal, refuse, refuseInternal } from "./operation-error.ts";
import { findAll, type FoundPartition, type Partitions } from "./partitions.ts";
import { StorageError } from "../storage/storage-error.ts";

export interface DeleteRecordsPartition {
  readonly topic: string;
  readonly partition: number;
  /** The new start; null deletes all that consumers can see. */
  readonly beforeOffset: number | null;
}

export type DeletedRecords =
  { readonly error: null; readonly startOffset: number } | Refusal;

export type DeleteRecords = (
  context: RequestContext,
  partitions: readonly DeleteRecordsPartition[],
) => Promise<readonly DeletedRecords[]>;

/** `isDeletable`: the topic's `cleanup.policy` lets old records go. */
export function createDeleteRecords(
  partitions: Partitions,
  isDeletable: (topic: string) => boolean,
): DeleteRecords {
  return async (_context, wanted) => {
    const found = await findAll(partitions, wanted);
    return Promise.all(
      wanted.map((one, index) => deleteOne(one, found[index], isDeletable)),
    );
  };
}

async function deleteOne(
  { topic, beforeOffset }: DeleteRecordsPartition,
  found: FoundPartition | undefined,
  isDeletable: (topic: string) => boolean,
): Promise<DeletedRecords> {
  const internal = refuseInternal(topic);
  if (internal !== null) return internal;
  if (found === undefined) return refuse("unknown-topic-or-partition");
  if (found.error !== null) return found;
  if (!isDeletable(topic)) {
    return refuse("policy-violation", `${topic} is only compacted`);
  }
  const { log } = found;
  try {
    const result = await log.deleteRecordsBefore(beforeOffset);
    if (result.error === null) return result;
    return refuse(
      result.error,
      `the log has ${log.startOffset} to ${log.highWatermark}`,
    );
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return refuse("storage-offline", error.message);
  }
}
