/** One partition's directory: its segments, and the small files beside them. */
import {
  LEADER_EPOCH_FILE,
  joinPath,
  segmentFileName,
  type TopicPartition,
} from "../storage/layout.ts";
import {
  type LeaderEpochs,
  parseLeaderEpochs,
} from "../storage/leader-epochs.ts";
import { readSmallFile } from "../storage/checkpoint.ts";
import { decodeProducerSnapshot } from "../storage/producer-snapshot.ts";
import { StorageError } from "../storage/storage-error.ts";
import { EpochCheck } from "./epoch-check.ts";
import { listPartition, type PartitionListing } from "./partition-listing.ts";
import { ProducerCheck, type ReadSnapshot } from "./producer-check.ts";
import type { VerifyContext } from "./verify-context.ts";
import { verifySwaps } from "./verify-swap.ts";
import { type ContentFault, verifySegment } from "./verify-segment.ts";
import { TransactionCheck } from "./verify-transaction-index.ts";

export interface PartitionPlace extends TopicPartition {
  /** Of its directory. */
  readonly name: string;
}

/** What the rest of the data directory says of the partition. */
export interface PartitionFacts {
  /** The last stop was clean: an opening scans nothing. */
  readonly isClean: boolean;
  /** The log was synced up to here, and its sealed segments below are taken as they are. */
  readonly recoveryPoint: number;
  /** By the checkpoint of starts; null where it has no line. */
  readonly startOffset: number | null;
  /** Batches may lack records: the topic is compacted, or was, or nobody knows. */
  readonly mayBeSparse: boolean;
}

export interface PartitionOutcome {
  readonly segmentCount: number;
  readonly batchCount: number;
  readonly recordCount: number;
  readonly sizeBytes: number;
  /** Of the files: the first segment's base, and behind the last batch. */
  readonly startOffset: number;
  readonly endOffset: number;
  readonly listing: PartitionListing;
}

/** Looks at the bytes of each batch that holds; for what needs the records. */
export type ContentVisitor = (bytes: Uint8Array) => ContentFault | null;

export async function verifyPartition(
  context: VerifyContext,
  place: PartitionPlace,
  facts: PartitionFacts,
  content: ContentVisitor | null,
): Promise<PartitionOutcome> {
  const check = new PartitionCheck(context, place, facts, content);
  return check.run();
}

class PartitionCheck {
  #context: VerifyContext;
  readonly #place: PartitionPlace;
  readonly #facts: PartitionFacts;
  readonly #content: ContentVisitor | null;
  readonly #epochs = new EpochCheck();
  readonly #transactions = new TransactionCheck();
  #batchCount = 0;
  #recordCount = 0;
  #sizeBytes = 0;

  constructor(
    context: VerifyContext,
    place: PartitionPlace,
    facts: PartitionFacts,
    content: ContentVisitor | null,
  ) {
    this.#context = context;
    this.#place = place;
    this.#facts = facts;
    this.#content = content;
  }

  async run(): Promise<PartitionOutcome> {
    const { disk } = this.#context;
    const directory = this.#context.pathOf(this.#place.name);
    const listing = listPartition(await disk.list(directory));
    await this.#tellSwaps(listing);
    await this.#tellLeftovers(listing);
    const epochs = await this.#readEpochs();
    const snapshots = await this.#readSnapshots(listing);
    const producers = new ProducerCheck(snapshots, !this.#facts.mayBeSparse);
    const startOffset = listing.segments[0]?.baseOffset ?? 0;
    const endOffset = await this.#checkSegments(listing, epochs, producers);
    for (const [offset, detail] of producers.end()) {
      await this.#tellSnapshot(offset, detail);
    }
    await this.#checkEnd(listing, endOffset, snapshots);
    if (epochs !== null) {
      await this.#checkEpochs(epochs, { startOffset, endOffset });
    } else if (!listing.hasEpochs && this.#epochs.hasEpochs) {
      await this.#tellEpochs("no such file", "unfinished");
    }
    return {
      segmentCount: listing.segments.length,
      batchCount: this.#batchCount,
      recordCount: this.#recordCount,
      sizeBytes: this.#sizeBytes,
      startOffset,
      endOffset,
      listing,
    };
  }

  async #checkSegments(
    listing: PartitionListing,
    epochs: LeaderEpochs | null,
    producers: ProducerCheck,
  ): Promise<number> {
    const { isClean, recoveryPoint, mayBeSparse } = this.#facts;
    const partition = this.#place.name;
    // A log without segments has no batch to say so: it is empty at its start.
    const isEmpty = listing.segments.length === 0;
    const emptyAt = isEmpty ? (this.#facts.startOffset ?? 0) : 0;
    let end = { nextOffset: emptyAt, leaderEpoch: -1 };
    for (const [slot, segment] of listing.segments.entries()) {
      const nextBase = listing.segments[slot + 1]?.baseOffset ?? null;
      const { baseOffset } = segment;
      const isSynced = nextBase !== null && nextBase <= recoveryPoint;
      end = await verifySegment(
        this.#context,
        {
          partition,
          segment,
          isLast: nextBase === null,
          isTrusted: isClean || isSynced,
          recoveryPoint,
          mayBeSparse,
        },
        {
          bounds: { baseOffset, endOffset: nextBase },
          leaderEpoch: end.leaderEpoch,
          epochs,
          isDense: !mayBeSparse,
        },
        {
          batch: (batch) => {
            this.#batchCount += 1;
            this.#recordCount += batch.recordCount;
            this.#sizeBytes += batch.sizeBytes;
            this.#epochs.add(batch);
            this.#transactions.add(batch);
            producers.add(batch);
          },
          control: (batch, bytes) =>
            this.#transactions.addControl(batch, bytes),
          hole: () => {
            this.#transactions.hole();
            producers.hole();
          },
          content: this.#content,
        },
      );
      await this.#transactions.endSegment(this.#context, {
        partition,
        baseOffset,
        endOffset: end.nextOffset,
        logStartOffset: listing.segments[0]?.baseOffset ?? 0,
        hasIndex: segment.kinds.has("transactionIndex"),
        isTrusted: isClean || isSynced,
        mayBeSparse,
      });
    }
    return end.nextOffset;
  }

  async #tellLeftovers({ leftovers }: PartitionListing): Promise<void> {
    const partition = this.#place.name;
    for (const { name, detail } of leftovers) {
      const path = joinPath(partition, name);
      const fix = { action: "move-aside", partition, path } as const;
      await this.#context.find("leftover-file", path, detail, { fix });
    }
  }

  /** Which segments count is not known before it is finished, so nothing else is repaired. */
  async #tellSwaps({ swaps }: PartitionListing): Promise<void> {
    await verifySwaps(this.#context, this.#place.name, swaps);
    if (swaps.length > 0) this.#context = this.#context.withoutFixes();
  }

  /** Null where the file is missing or is no checkpoint, which is told. */
  async #readEpochs(): Promise<LeaderEpochs | null> {
    const path = joinPath(this.#place.name, LEADER_EPOCH_FILE);
    const bytes = await readSmallFile(
      this.#context.disk,
      this.#context.pathOf(path),
    );
    if (bytes === null) return null;
    try {
      return parseLeaderEpochs(bytes, path);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      // An opening builds it anew where it cannot be read.
      await this.#tellEpochs(error.detail, "unfinished");
      return null;
    }
  }

  async #checkEpochs(
    epochs: LeaderEpochs,
    log: { readonly startOffset: number; readonly endOffset: number },
  ): Promise<void> {
    const { isClean, startOffset } = this.#facts;
    // Kafka's checkpoint of starts may be older than that of epochs, until a clean stop.
    const known = isClean ? 0 : (epochs.starts()[0]?.startOffset ?? 0);
    const from = Math.max(log.startOffset, startOffset ?? 0, known);
    const wrong = this.#epochs.wrong(epochs, { ...log, startOffset: from });
    if (wrong !== null) await this.#tellEpochs(wrong, "damage");
  }

  async #tellEpochs(
    detail: string,
    severity: "damage" | "unfinished",
  ): Promise<void> {
    const partition = this.#place.name;
    const path = joinPath(partition, LEADER_EPOCH_FILE);
    const fix = { action: "rebuild", partition, path } as const;
    await this.#context.find("wrong-epochs", path, detail, { severity, fix });
  }

  async #readSnapshots(
    listing: PartitionListing,
  ): Promise<readonly ReadSnapshot[]> {
    const read: ReadSnapshot[] = [];
    for (const offset of listing.snapshotOffsets) {
      const name = segmentFileName(offset, "producerSnapshot");
      const path = this.#context.pathOf(joinPath(this.#place.name, name));
      const bytes = await readSmallFile(this.#context.disk, path);
      const entries = bytes === null ? null : decodeProducerSnapshot(bytes);
      if (entries !== null) read.push({ offset, entries });
      else {
        const detail = "not a whole snapshot of version 1, or its CRC is wrong";
        await this.#tellSnapshot(offset, detail);
      }
    }
    return read;
  }

  async #tellSnapshot(offset: number, detail: string): Promise<void> {
    const partition = this.#place.name;
    const name = segmentFileName(offset, "producerSnapshot");
    const path = joinPath(partition, name);
    const fix = { action: "rebuild", partition, path } as const;
    await this.#context.find("wrong-snapshot", path, detail, { fix });
  }

  /** Where the log must end at least, by what was durable; and the snapshots of its end. */
  async #checkEnd(
    listing: PartitionListing,
    endOffset: number,
    snapshots: readonly ReadSnapshot[],
  ): Promise<void> {
    const { isClean, recoveryPoint } = this.#facts;
    const partition = this.#place.name;
    const said = isClean ? (snapshots.at(-1)?.offset ?? 0) : 0;
    const durableEnd = Math.max(recoveryPoint, said);
    if (durableEnd > endOffset) {
      const detail = `the log ends at ${endOffset}, expected ${durableEnd} or more`;
      const place = { path: partition, offset: durableEnd };
      const fix = { action: "extend", partition, ...place } as const;
      await this.#context.find("missing-end", partition, detail, { fix });
    }
    const end = Math.max(endOffset, durableEnd);
    const pathOf = (offset: number) =>
      joinPath(partition, segmentFileName(offset, "producerSnapshot"));
    for (const offset of listing.snapshotOffsets) {
      if (offset <= end) continue;
      const path = pathOf(offset);
      const fix = { action: "move-aside", partition, path } as const;
      const detail = `the log ends at ${end}`;
      await this.#context.find("wrong-snapshot", path, detail, { fix });
    }
    // Kafka takes none of a log to which nothing was ever written.
    if (!isClean || this.#batchCount === 0) return;
    const newest = listing.snapshotOffsets.at(-1) ?? null;
    if (newest !== null && newest >= end) return;
    const path = pathOf(end);
    const fix = { action: "rebuild", partition, path } as const;
    const detail = `the newest is of offset ${newest ?? "none"}`;
    await this.#context.find("missing-snapshot", path, detail, { fix });
  }
}
