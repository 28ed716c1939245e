/**
 * The pipeline: take topics, filter and process their records, distribute them.
 *
 * A definition is a value; `run` starts it over any client, in process, over
 * TCP, or on a real Kafka. Before the first record is read the topics that it
 * writes to are there, so that a missing one is an error at the start and not
 * a record lost in the middle.
 */
import type { Client, TopicSource } from "../client/index.ts";
import { ClientError } from "../client/index.ts";
import {
  type Built,
  createStage,
  type Flow,
  type Stage,
  topicsOf,
} from "./definition.ts";
import { PipelineError } from "./errors.ts";
import {
  deadLetterTopicOf,
  parseOptions,
  type PipelineOptions,
  type PipelineSettings,
} from "./options.ts";
import { Run } from "./run.ts";
import type { RunStats } from "./stats.ts";

export interface Running extends AsyncDisposable {
  /** Resolves when the run has stopped; rejects with what stopped it. */
  readonly done: Promise<void>;
  stats(): RunStats;
  /** Records behind what has settled, by `topic-partition`, for the partitions this run owns. */
  lag(): Promise<ReadonlyMap<string, number>>;
  /** Reads no more, lets what is in flight settle, commits, leaves the group. */
  stop(options?: { readonly drainMs?: number }): Promise<void>;
}

export interface Pipeline {
  readonly name: string;
  run(
    client: Client,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Running>;
}

/**
 * Defines a pipeline. Throws `invalid-definition` where it makes no sense.
 *
 * @param source one topic, or several of the same shape
 */
export function pipeline<K, V>(
  name: string,
  source: TopicSource<K, V> | readonly TopicSource<K, V>[],
  options: PipelineOptions,
  build: (stage: Stage<K, V>) => Built,
): Pipeline {
  const settings = parseOptions(options);
  const sources = "name" in source ? [source] : source;
  const { flow } = build(createStage<K, V>());
  if (sources.length === 0) {
    throw new PipelineError("invalid-definition", `${name} has no source`);
  }
  return {
    name,
    run: (client, { signal } = {}) =>
      start({ name, settings, sources, flow, client }, signal),
  };
}

interface Definition {
  readonly name: string;
  readonly settings: PipelineSettings;
  readonly sources: readonly TopicSource<unknown, unknown>[];
  readonly flow: Flow;
  readonly client: Client;
}

async function start(
  definition: Definition,
  signal: AbortSignal | undefined,
): Promise<Running> {
  signal?.throwIfAborted();
  const { client, settings, sources } = definition;
  const deadLetterPartitionCounts = await prepareTopics(definition);
  const producer = client.producer();
  const consumer = await client.consumer({
    group: settings.group,
    topics: sources.map((source) => source.name),
    from: settings.from,
    isolation: settings.isolation,
    ...(settings.sessionTimeoutMs === null
      ? {}
      : { sessionTimeoutMs: settings.sessionTimeoutMs }),
  });
  const run = new Run({
    ...definition,
    producer,
    consumer,
    deadLetterPartitionCounts,
  });
  signal?.addEventListener("abort", () => void run.stop(), { once: true });
  return run;
}

/** Creates what the pipeline writes to, with the partition count of its source. */
async function prepareTopics({
  name,
  settings,
  sources,
  flow,
  client,
}: Definition): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const source of sources) {
    counts.set(source.name, await partitionCountOf(client, name, source.name));
  }
  const widest = Math.max(...counts.values());
  for (const output of topicsOf(flow)) {
    await client.admin.createTopic({ name: output, partitionCount: widest });
  }
  return prepareDeadLetters(client, settings, counts);
}

/** A topic that is chosen record by record is left to whoever chooses it. */
async function prepareDeadLetters(
  client: Client,
  { deadLetterTopic }: PipelineSettings,
  sourceCounts: ReadonlyMap<string, number>,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  if (typeof deadLetterTopic === "function") return counts;
  for (const [source, partitionCount] of sourceCounts) {
    const target = deadLetterTopic ?? deadLetterTopicOf(source);
    await client.admin.createTopic({ name: target, partitionCount });
    const described = await client.admin.describeTopic(target);
    counts.set(target, described.partitionCount);
  }
  return counts;
}

async function partitionCountOf(
  client: Client,
  pipelineName: string,
  source: string,
): Promise<number> {
  try {
    return (await client.admin.describeTopic(source)).partitionCount;
  } catch (cause) {
    if (!(cause instanceof ClientError)) throw cause;
    throw new PipelineError(
      "start-failed",
      `pipeline ${pipelineName} cannot read ${source}: ${cause.message}`,
      cause,
    );
  }
}
