/**
 * Everything in a stopped data directory, held against everything else: what
 * an opening and the readers after it would go by. Nothing is written but the
 * lock. Memory does not grow with the bytes stored: files are read a piece at
 * a time, and what is kept is what a broker keeps (topics, producers).
 */
import {
  CATALOG_TOPIC,
  CATALOG_TOPIC_ID,
  OFFSETS_TOPIC,
} from "../catalog/topic-name.ts";
import { groupRecordCodec } from "../group/group-record-codec.ts";
import { openRecords } from "../record/record.ts";
import { RecordError } from "../record/record-error.ts";
import type { PartitionOffset } from "../storage/checkpoint.ts";
import {
  CLEAN_SHUTDOWN_FILE,
  isDeletedDirectoryName,
  joinPath,
  LOG_START_OFFSET_FILE,
  PARTITION_METADATA_FILE,
  parsePartitionDirectoryName,
} from "../storage/layout.ts";
import { defaultLogConfig } from "../storage/log-config.ts";
import {
  formatPartitionMetadata,
  readPartitionMetadata,
} from "../storage/partition-metadata.ts";
import {
  faultOfBatch,
  verifyMachineSnapshots,
} from "./machine-snapshot-check.ts";
import { type CatalogView, verifyCatalog } from "./verify-catalog.ts";
import type { VerifyContext } from "./verify-context.ts";
import {
  type ContentVisitor,
  type PartitionFacts,
  type PartitionOutcome,
  type PartitionPlace,
  verifyPartition,
} from "./verify-partition.ts";
import { type RootFacts, rewriteOffsets, verifyRoot } from "./verify-root.ts";

/** Records of one batch may inflate to this: more is said to be too large. */
const INFLATED_SIZE_BYTES_MAX = 256 * 1024 * 1024;

export interface VerifySummary {
  readonly partitionCount: number;
  readonly segmentCount: number;
  readonly batchCount: number;
  readonly recordCount: number;
  readonly sizeBytes: number;
  /** The marker of a clean stop is there. */
  readonly isClean: boolean;
}

export interface Verified {
  readonly summary: VerifySummary;
  /** Null where the directory has none that can be read. */
  readonly catalog: CatalogView | null;
  readonly traits: PartitionTraits;
}

/** What a repair must know of a partition, by the name of its directory. */
export type PartitionTraits = (name: string) => {
  readonly isDense: boolean;
  readonly indexIntervalSizeBytes: number;
};

/** The directory is locked by the caller. Throws `DiskError`, `format-too-new`. */
export async function verifyDirectory(
  context: VerifyContext,
): Promise<Verified> {
  const entries = await context.disk.list(context.directory);
  const files = entries.flatMap((one) => (one.isDirectory ? [] : [one.name]));
  const isClean = files.includes(CLEAN_SHUTDOWN_FILE);
  const root = await verifyRoot(context, files);
  const places: PartitionPlace[] = [];
  for (const { name, isDirectory } of entries) {
    const at = isDirectory ? parsePartitionDirectoryName(name) : null;
    if (at !== null) places.push({ name, ...at });
    else if (isDirectory && isDeletedDirectoryName(name)) {
      const fix = {
        action: "move-aside",
        partition: name,
        path: name,
      } as const;
      const detail = "its removal did not end";
      await context.find("deleted-partition", name, detail, { fix });
    }
  }
  const check = new DirectoryCheck(context, root, isClean);
  return check.run(places.sort(byPartition));
}

/** The catalog first: the others are held against it. */
function byPartition(a: PartitionPlace, b: PartitionPlace): number {
  const isCatalog = (one: PartitionPlace) =>
    Number(one.topic === CATALOG_TOPIC);
  if (isCatalog(a) !== isCatalog(b)) return isCatalog(b) - isCatalog(a);
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1;
  return a.partition - b.partition;
}

class DirectoryCheck {
  readonly #context: VerifyContext;
  readonly #root: RootFacts;
  readonly #isClean: boolean;
  #catalog: CatalogView | null = null;
  /** Those that can be, for the file to be written with. */
  readonly #startLines: Map<string, PartitionOffset>;
  readonly #sums = {
    partitionCount: 0,
    segmentCount: 0,
    batchCount: 0,
    recordCount: 0,
    sizeBytes: 0,
  };

  constructor(context: VerifyContext, root: RootFacts, isClean: boolean) {
    this.#context = context;
    this.#root = root;
    this.#isClean = isClean;
    this.#startLines = new Map(root.startOffsets);
  }

  async run(places: readonly PartitionPlace[]): Promise<Verified> {
    for (const place of places) {
      const outcome =
        place.topic === CATALOG_TOPIC
          ? await this.#verifyCatalog(place)
          : await this.#verifyPartition(place);
      if (outcome === null) continue;
      this.#sums.partitionCount += 1;
      this.#sums.segmentCount += outcome.segmentCount;
      this.#sums.batchCount += outcome.batchCount;
      this.#sums.recordCount += outcome.recordCount;
      this.#sums.sizeBytes += outcome.sizeBytes;
      await this.#checkStart(place, outcome);
    }
    await this.#checkMissing(places);
    const summary = { ...this.#sums, isClean: this.#isClean };
    const traits: PartitionTraits = (name) => this.#traitsOf(name);
    return { summary, catalog: this.#catalog, traits };
  }

  #traitsOf(name: string): ReturnType<PartitionTraits> {
    const at = parsePartitionDirectoryName(name);
    const topicName = at?.topic ?? CATALOG_TOPIC;
    const config =
      this.#catalog?.topicByName(topicName)?.config ?? defaultLogConfig;
    return {
      isDense: !this.#mayBeSparse(name, topicName),
      indexIntervalSizeBytes: config.indexIntervalSizeBytes,
    };
  }

  #mayBeSparse(name: string, topicName: string): boolean {
    if (this.#root.cleanedOffsets.has(name)) return true;
    if (topicName === CATALOG_TOPIC) return false;
    return this.#catalog?.mayBeCompacted(topicName) !== false;
  }

  async #verifyCatalog(place: PartitionPlace): Promise<PartitionOutcome> {
    await this.#checkTopicId(place, CATALOG_TOPIC_ID);
    const facts = this.#factsOf(place);
    const verified = await verifyCatalog(this.#context, place, facts);
    // An empty one is made at the first opening: partitions are then taken in.
    if (verified.outcome.endOffset > 0) this.#catalog = verified.view;
    return verified.outcome;
  }

  /** Null where the directory is nobody's. */
  async #verifyPartition(
    place: PartitionPlace,
  ): Promise<PartitionOutcome | null> {
    if (this.#catalog !== null && !(await this.#checkOwner(place))) return null;
    const facts = this.#factsOf(place);
    const isOffsets = place.topic === OFFSETS_TOPIC;
    const content = isOffsets ? readGroups : this.#recordsVisitor();
    const outcome = await verifyPartition(this.#context, place, facts, content);
    if (isOffsets) {
      const { startOffset, endOffset, listing } = outcome;
      const snapshots = listing.machineSnapshots;
      const log = { name: place.name, startOffset, endOffset, snapshots };
      await verifyMachineSnapshots(this.#context, log, decodeGroup);
    }
    return outcome;
  }

  #recordsVisitor(): ContentVisitor | null {
    return this.#context.options.records ? readRecords : null;
  }

  #factsOf(place: PartitionPlace): PartitionFacts {
    const { startOffsets, recoveryPoints } = this.#root;
    const { name, topic } = place;
    return {
      isClean: this.#isClean,
      recoveryPoint: recoveryPoints.get(name)?.offset ?? 0,
      startOffset: startOffsets.get(name)?.offset ?? null,
      mayBeSparse: this.#mayBeSparse(name, topic),
    };
  }

  /** False: the directory is a leftover, which has been told. */
  async #checkOwner(place: PartitionPlace): Promise<boolean> {
    const { name, topic: topicName, partition } = place;
    const topic = this.#catalog?.topicByName(topicName) ?? null;
    if (topic !== null && partition < topic.partitionCount) {
      return this.#checkTopicId(place, topic.id);
    }
    const id = await this.#topicIdIn(name);
    if (id !== null && this.#catalog?.wasRemoved(id)) {
      await this.#tellDeleted(name, `the topic with id ${id} was deleted`);
    } else {
      const detail = `topic ${topicName}, partition ${partition}`;
      await this.#context.find("unknown-partition", name, detail);
    }
    return false;
  }

  async #checkTopicId(place: PartitionPlace, id: string): Promise<boolean> {
    const { name } = place;
    const found = await this.#topicIdIn(name);
    if (found === id) return true;
    const path = joinPath(name, PARTITION_METADATA_FILE);
    if (found !== null && this.#catalog?.wasRemoved(found)) {
      const detail = `the topic with id ${found} was deleted, and made again`;
      await this.#tellDeleted(name, detail);
      return false;
    }
    const content = formatPartitionMetadata(id);
    const fix = {
      action: "rewrite-file",
      partition: name,
      path,
      content,
    } as const;
    if (found === null) {
      const detail = `expected ${id}`;
      await this.#context.find("missing-topic-id", path, detail, { fix });
    } else {
      const detail = `${found}, expected ${id}`;
      await this.#context.find("wrong-topic-id", path, detail, { fix });
    }
    return true;
  }

  async #tellDeleted(name: string, detail: string): Promise<void> {
    const fix = { action: "move-aside", partition: name, path: name } as const;
    await this.#context.find("deleted-partition", name, detail, { fix });
  }

  #topicIdIn(name: string): Promise<string | null> {
    const { disk } = this.#context;
    return readPartitionMetadata(disk, this.#context.pathOf(name));
  }

  async #checkStart(
    { name }: PartitionPlace,
    { endOffset, segmentCount }: PartitionOutcome,
  ): Promise<void> {
    const { startOffsets } = this.#root;
    const startOffset = startOffsets.get(name)?.offset ?? 0;
    if (startOffset <= endOffset || segmentCount === 0) return;
    const detail = `${name} starts at ${startOffset} and ends at ${endOffset}`;
    const path = LOG_START_OFFSET_FILE;
    if (!this.#isClean) {
      await this.#context.find("emptied-log", path, detail);
      return;
    }
    this.#startLines.delete(name);
    const fix = rewriteOffsets(path, [...this.#startLines.values()]);
    await this.#context.find("start-behind-end", path, detail, { fix });
  }

  /** A partition that was never written to has no directory; one that a checkpoint knows was. */
  async #checkMissing(places: readonly PartitionPlace[]): Promise<void> {
    const names = new Set(places.map(({ name }) => name));
    for (const [name, { topic, partition, offset }] of this.#root
      .recoveryPoints) {
      const known = this.#catalog?.topicByName(topic) ?? null;
      if (names.has(name) || offset === 0 || known === null) continue;
      if (partition >= known.partitionCount) continue;
      const detail = `its log was synced up to offset ${offset}`;
      await this.#context.find("missing-partition", name, detail);
    }
  }
}

function readGroups(bytes: Uint8Array) {
  const detail = faultOfBatch(bytes, decodeGroup);
  return detail === null
    ? null
    : ({ kind: "unreadable-entry", detail } as const);
}

function decodeGroup(key: Uint8Array | null, value: Uint8Array | null): void {
  groupRecordCodec.decode(key, value);
}

/** Every record of the batch, inflated within bounds. */
function readRecords(bytes: Uint8Array) {
  const reader = openRecords(bytes, 0, {
    sizeBytesMax: INFLATED_SIZE_BYTES_MAX,
  });
  let fault = reader instanceof RecordError ? reader : null;
  while (fault === null && !(reader instanceof RecordError)) {
    const record = reader.next();
    if (record === null) return null;
    if (record instanceof RecordError) fault = record;
  }
  const detail = fault?.message ?? "";
  return { kind: "unreadable-records", detail } as const;
}
