/**
 * The pipeline: take topics, filter and process their records, distribute them.
 *
 * A definition is a value; `run` starts it over any client, in process, over
 * TCP, or on a real Kafka. Before the first record is read the topics that it
 * writes to are there, so that a missing one is an error at the start and not
 * a record lost in the middle.
 */
import type { Client, ConsumerOptions, TopicSource } from "../client/index.ts";
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
  defaultDeadLetterTopic,
  parseOptions,
  type PipelineOptions,
  type PipelineSettings,
} from "./options.ts";
import { Run } from "./run.ts";
import type { RunStats } from "./stats.ts";

/** The client's own default, and Kafka's. */
const HEARTBEAT_INTERVAL_MS = 3_000;

export interface Running extends AsyncDisposable {
  /**
   * Resolves when the run has stopped because it was asked to; rejects with what
   * stopped it otherwise (`PipelineError`), or what broke while it stopped. A run
   * has no end of its own: a topic that is read to its end may grow.
   */
  readonly done: Promise<void>;
  /** What has happened so far; records that end after the run has stopped waiting are not counted. */
  stats(): RunStats;
  /** Records that have not settled, by `topic-partition`, for the partitions this run owns. */
  lag(): Promise<ReadonlyMap<string, number>>;
  /**
   * Reads no more, lets what is in flight settle, commits, leaves the group. The
   * client stays open. `drainMs` is how long to wait; a second call may shorten
   * the wait of the first. A handler that awaits it waits for itself.
   */
  stop(options?: { readonly drainMs?: number }): Promise<void>;
}

export interface Pipeline {
  readonly name: string;
  /**
   * Rejects with `start-failed` where a source cannot be read, a target cannot
   * be created or the group cannot be joined. `signal` stops the run as `stop`
   * does.
   */
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
  // The types say so too, to those who have them.
  if (flow === undefined) {
    throw new PipelineError("invalid-definition", `${name} has no end`);
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
  const { client, name, settings, sources } = definition;
  const deadLetterPartitionCounts = await orStartFailed(name, () =>
    prepareTopics(definition),
  );
  const consumer = await orStartFailed(name, () =>
    client.consumer({
      group: settings.group,
      topics: sources.map((source) => source.name),
      from: settings.from,
      isolation: settings.isolation,
      ...sessionOptions(settings.sessionTimeoutMs),
    }),
  );
  const producer = client.producer();
  const run = new Run({
    ...definition,
    producer,
    consumer,
    deadLetterPartitionCounts,
  });
  if (signal !== undefined) stopOnAbort(run, signal);
  return run;
}

/** A session must outlast two heartbeats that are lost: Kafka's documentation asks for a third of it. */
function sessionOptions(
  sessionTimeoutMs: number | null,
): Pick<ConsumerOptions, "sessionTimeoutMs" | "heartbeatIntervalMs"> {
  if (sessionTimeoutMs === null) return {};
  const heartbeatIntervalMs = Math.min(
    HEARTBEAT_INTERVAL_MS,
    Math.ceil(sessionTimeoutMs / 3),
  );
  return { sessionTimeoutMs, heartbeatIntervalMs };
}

/** How stopping went, `done` tells. */
function stopOnAbort(run: Run, signal: AbortSignal): void {
  const stop = (): void => void run.stop();
  const forget = (): void => signal.removeEventListener("abort", stop);
  signal.addEventListener("abort", stop);
  run.done.then(forget, forget);
  // While the run was starting nobody listened.
  if (signal.aborted) stop();
}

/** Creates what the pipeline writes to, with the partition count of its source. */
async function prepareTopics({
  settings: { deadLetterTopic },
  sources,
  flow,
  client: { admin },
}: Definition): Promise<ReadonlyMap<string, number>> {
  const wanted = new Map<string, number>();
  let widest = 1;
  for (const { name } of sources) {
    const { partitionCount } = await admin.describeTopic(name);
    widest = Math.max(widest, partitionCount);
    if (deadLetterTopic === null) {
      wanted.set(defaultDeadLetterTopic(name), partitionCount);
    }
  }
  if (typeof deadLetterTopic === "string") wanted.set(deadLetterTopic, widest);

  const deadLetterPartitionCounts = new Map<string, number>();
  for (const [name, partitionCount] of wanted) {
    await admin.createTopic({ name, partitionCount });
    const existing = await admin.describeTopic(name);
    deadLetterPartitionCounts.set(name, existing.partitionCount);
  }
  for (const name of topicsOf(flow)) {
    await admin.createTopic({ name, partitionCount: widest });
  }
  return deadLetterPartitionCounts;
}

async function orStartFailed<T>(
  pipelineName: string,
  begin: () => Promise<T>,
): Promise<T> {
  try {
    return await begin();
  } catch (cause) {
    if (!(cause instanceof ClientError)) throw cause;
    throw new PipelineError(
      "start-failed",
      `pipeline ${pipelineName} cannot start: ${cause.message}`,
      cause,
    );
  }
}
