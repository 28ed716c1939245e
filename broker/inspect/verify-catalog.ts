/**
 * The catalog's log and snapshots, and what they say of the topics: everything
 * else in the data directory is held against it.
 */
import { createCatalogCodec } from "../catalog/catalog-codec.ts";
import type { CatalogRecord } from "../catalog/catalog-codec.ts";
import { CatalogState } from "../catalog/catalog-state.ts";
import type { Topic } from "../catalog/topic.ts";
import { joinPath } from "../storage/layout.ts";
import {
  faultOfBatch,
  faultOfSnapshot,
  type RecordReader,
  verifyMachineSnapshots,
} from "./machine-snapshot-check.ts";
import { listPartition } from "./partition-listing.ts";
import type { VerifyContext } from "./verify-context.ts";
import {
  type PartitionFacts,
  type PartitionOutcome,
  type PartitionPlace,
  verifyPartition,
} from "./verify-partition.ts";

/** A node's id stands in no record that is read here. */
const ANY_NODE_ID = 0;
const { decode } = createCatalogCodec(ANY_NODE_ID);

export class CatalogView {
  readonly #state: CatalogState;
  readonly #history: History;

  constructor(state: CatalogState, history: History) {
    this.#state = state;
    this.#history = history;
  }

  topicByName(name: string): Topic | null {
    return this.#state.topicByName(name);
  }

  /** The log has the record of its removal. */
  wasRemoved(topicId: string): boolean {
    return this.#history.removedIds.has(topicId);
  }

  /** It is, or was, or may have been: then batches may lack records. */
  mayBeCompacted(topicName: string): boolean {
    return !this.#history.isWhole || this.#history.compacted.has(topicName);
  }
}

/** What the log says of times past. */
interface History {
  readonly removedIds: Set<string>;
  /** Names of topics that were ever told to be compacted. */
  readonly compacted: Set<string>;
  isWhole: boolean;
}

export async function verifyCatalog(
  context: VerifyContext,
  place: PartitionPlace,
  facts: PartitionFacts,
): Promise<{ readonly view: CatalogView; readonly outcome: PartitionOutcome }> {
  const history: History = {
    removedIds: new Set(),
    compacted: new Set(),
    isWhole: true,
  };
  const newest = await newestSnapshot(context, place);
  const fromLog = new CatalogState();
  const readLog: RecordReader = (_key, value, offset) => {
    const record = decode(null, value);
    if (record === null) return;
    fromLog.replay(record);
    if (newest !== null && offset >= newest.endOffset) {
      newest.state.replay(record);
    }
    note(history, record);
  };
  const outcome = await verifyPartition(context, place, facts, (bytes) => {
    const detail = faultOfBatch(bytes, readLog);
    return detail === null ? null : { kind: "unreadable-entry", detail };
  });
  const { startOffset, endOffset, listing } = outcome;
  history.isWhole = startOffset === 0;
  await verifyMachineSnapshots(
    context,
    {
      name: place.name,
      startOffset,
      endOffset,
      snapshots: listing.machineSnapshots,
    },
    (_key, value) => decode(null, value),
  );
  const isLoaded =
    newest !== null &&
    newest.endOffset >= startOffset &&
    newest.endOffset <= endOffset;
  const state = isLoaded ? newest.state : fromLog;
  return { view: new CatalogView(state, history), outcome };
}

/** The state of the snapshot that would be loaded; null where there is none, or not a whole one. */
async function newestSnapshot(
  context: VerifyContext,
  place: PartitionPlace,
): Promise<{
  readonly endOffset: number;
  readonly state: CatalogState;
} | null> {
  const entries = await context.disk.list(context.pathOf(place.name));
  const newest = listPartition(entries).machineSnapshots.at(-1);
  if (newest === undefined) return null;
  const state = new CatalogState();
  const path = joinPath(place.name, newest.name);
  const fault = await faultOfSnapshot(context, path, (_key, value) => {
    const record = decode(null, value);
    if (record !== null) state.replay(record);
  });
  return fault === null ? { endOffset: newest.endOffset, state } : null;
}

function note(history: History, record: CatalogRecord): void {
  if (record.type === "remove-topic") history.removedIds.add(record.topicId);
  if (record.type !== "config" || record.name !== "cleanup.policy") return;
  if (record.value?.includes("compact")) history.compacted.add(record.topic);
}
