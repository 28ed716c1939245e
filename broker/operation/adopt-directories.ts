/**
 * Partition directories that the catalog does not know. Where there is no
 * catalog at all they are what the data directory is about, and are taken in;
 * beside a catalog they may as well be leftovers, so they are reported, and
 * taken in only when the operator says so. What a topic left whose deletion a
 * crash cut short is known by the topic's id, and goes.
 *
 * What a directory tells of its topic: the name and the partition by its own
 * name, the id in `partition.metadata`, the epoch in `leader-epoch-checkpoint`.
 */
import type { FoundTopic } from "../catalog/adopt-topics.ts";
import type { Catalog } from "../catalog/catalog.ts";
import { CATALOG_TOPIC } from "../catalog/topic-name.ts";
import type { Logger } from "../options.ts";
import type { DataDirectory } from "../storage/data-directory.ts";
import { partitionDirectoryName } from "../storage/layout.ts";
import type { TopicPartition } from "../storage/layout.ts";
import { StorageError } from "../storage/storage-error.ts";

export interface AdoptDirectoriesParts {
  readonly catalog: Catalog;
  readonly directory: DataDirectory;
  readonly logger: Logger;
  /** Also beside a catalog. */
  readonly adoptDirectories: boolean;
  /** A directory of a higher partition would make this many of them. */
  readonly partitionCountMax: number;
}

/** Of one topic that the catalog does not know. */
type Partitions = Set<number>;

const NAMES_TOLD_MAX = 20;

/** To be called before anything is appended. Null: done; otherwise what stands in the way. */
export async function adoptDirectories(
  parts: AdoptDirectoriesParts,
): Promise<string | null> {
  const { catalog, directory, logger } = parts;
  const { topics, strays } = unknownDirectories(parts);
  await finishDeletions(parts, topics, strays);
  const mayAdopt = parts.adoptDirectories || !hasCatalog(directory);
  if (!mayAdopt) {
    for (const [topic, partitions] of topics) {
      for (const partition of partitions) {
        strays.push({ topic, partition });
      }
    }
    topics.clear();
  }
  if (strays.length > 0) {
    logger.warn(
      {
        count: strays.length,
        directories: strays
          .slice(0, NAMES_TOLD_MAX)
          .map(partitionDirectoryName),
      },
      "directories of partitions that the catalog does not know are left alone; with adoptDirectories, topics that it does not know are taken in",
    );
  }
  if (topics.size === 0) return null;
  const found: FoundTopic[] = [];
  for (const [name, partitions] of topics) {
    const topic = await readTopic(directory, name, partitions, parts);
    if (typeof topic !== "string") found.push(topic);
    else logger.warn({ topic: name }, `topic ${name} is left alone: ${topic}`);
  }
  const adopted = await catalog.adoptTopics(found);
  if (adopted.error !== null) {
    return "detail" in adopted ? adopted.detail : adopted.error;
  }
  for (const [slot, answer] of adopted.answer.entries()) {
    const topic = found[slot]?.name;
    if (answer.error !== null) {
      logger.warn({ topic }, `topic ${topic} is left alone: ${answer.detail}`);
      continue;
    }
    const { id, partitionCount } = answer;
    logger.info(
      { topic, id, partitionCount },
      `topic ${topic} is taken in from its directories; its configuration is not known, so no records are deleted until retention.ms is set`,
    );
  }
  return null;
}

/** Takes out of both what belongs to deleted topics, and removes it. */
async function finishDeletions(
  { catalog, directory, logger }: AdoptDirectoriesParts,
  topics: Map<string, Partitions>,
  strays: TopicPartition[],
): Promise<void> {
  const unknown = [...strays];
  for (const [topic, partitions] of topics) {
    for (const partition of partitions) unknown.push({ topic, partition });
  }
  for (const at of unknown) {
    try {
      const id = await directory.topicIdOf(at);
      if (id === null || !catalog.wasDeleted(id)) continue;
      await directory.deleteLog(at);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      // It stays where it is, and is told of as one that nobody knows.
      continue;
    }
    logger.info({ ...at }, "a deletion that a crash cut short is finished");
    const partitions = topics.get(at.topic);
    partitions?.delete(at.partition);
    if (partitions?.size === 0) topics.delete(at.topic);
    const slot = strays.indexOf(at);
    if (slot >= 0) strays.splice(slot, 1);
  }
}

function unknownDirectories(parts: AdoptDirectoriesParts): {
  readonly topics: Map<string, Partitions>;
  readonly strays: TopicPartition[];
} {
  const { catalog, directory } = parts;
  const topics = new Map<string, Partitions>();
  const strays: TopicPartition[] = [];
  for (const at of directory.partitions()) {
    if (at.topic === CATALOG_TOPIC) continue;
    const known = catalog.topicByName(at.topic);
    if (known !== null) {
      if (at.partition >= known.partitionCount) {
        strays.push(at);
      }
      continue;
    }
    const partitions = topics.get(at.topic) ?? new Set();
    topics.set(at.topic, partitions.add(at.partition));
  }
  return { topics, strays };
}

function hasCatalog(directory: DataDirectory): boolean {
  const log = directory.log({ topic: CATALOG_TOPIC, partition: 0 });
  return log !== null && log.endOffset > 0;
}

/** A text says why these directories make no topic. */
async function readTopic(
  directory: DataDirectory,
  name: string,
  partitions: Partitions,
  { partitionCountMax }: AdoptDirectoriesParts,
): Promise<FoundTopic | string> {
  let partitionCount = 0;
  for (const partition of partitions) {
    partitionCount = Math.max(partitionCount, partition + 1);
  }
  if (partitionCount > partitionCountMax) {
    return `a topic has at most ${partitionCountMax} partitions`;
  }
  const ids = new Set<string>();
  const leaderEpochs = new Array<number>(partitionCount).fill(0);
  try {
    for (const partition of partitions) {
      const at = { topic: name, partition };
      const id = await directory.topicIdOf(at);
      if (id !== null) ids.add(id);
      leaderEpochs[partition] = (await directory.leaderEpochOf(at)) ?? 0;
    }
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return error.message;
  }
  const [id, another] = ids;
  if (another !== undefined) {
    return `its directories belong to topics with different ids, ${id} and ${another}`;
  }
  return { name, id: id ?? null, leaderEpochs };
}
