/**
 * What HTTP tells of a broker, asked through its operations: nothing is kept
 * between two questions, and nothing is counted that could be asked.
 */
import type { RequestContext } from "../operation/context.ts";
import type { DescribedTopic } from "../operation/manage-topics.ts";
import type { Operations } from "../operation/operations.ts";

/** Asked at a time, so that a survey of many partitions leaves room for other work. */
const PARTITIONS_PER_LOOKUP = 256;

export interface Asker {
  readonly operations: Operations;
  readonly context: RequestContext;
}

/** A topic that exists. */
export type SurveyedTopic = Extract<DescribedTopic, { readonly error: null }>;

export interface PartitionAt {
  readonly topic: string;
  readonly partition: number;
}

/** First and next offset; an error where the partition cannot be read. */
export interface PartitionOffsets extends PartitionAt {
  readonly error: string | null;
  /** The same for a person: the file, and what the system said. */
  readonly detail: string | null;
  readonly startOffset: number | null;
  readonly endOffset: number | null;
}

export interface GroupOffset extends PartitionAt {
  /** The next record to read. */
  readonly offset: number;
  /** Null where the partition is gone, or cannot be read. */
  readonly endOffset: number | null;
  /** Records between the two, never below 0. */
  readonly lag: number | null;
}

/** Every topic, in the order of their names. */
export async function surveyTopics({
  operations,
  context,
}: Asker): Promise<readonly SurveyedTopic[]> {
  const described = await operations.topics.describe(context, {
    topics: null,
    mayCreate: false,
  });
  return described
    .flatMap((one) => (one.error === null ? [one] : []))
    .sort((a, b) => (a.topic.name < b.topic.name ? -1 : 1));
}

/** A topic by its name; null where there is none. Never creates it. */
export async function surveyTopic(
  { operations, context }: Asker,
  name: string,
): Promise<SurveyedTopic | null> {
  const [found] = await operations.topics.describe(context, {
    topics: [{ name, id: null }],
    mayCreate: false,
  });
  return found?.error === null ? found : null;
}

/** In the order asked. */
export async function surveyOffsets(
  asker: Asker,
  partitions: readonly PartitionAt[],
): Promise<readonly PartitionOffsets[]> {
  const all: PartitionOffsets[] = [];
  for (let first = 0; first < partitions.length;) {
    const some = partitions.slice(first, first + PARTITIONS_PER_LOOKUP);
    all.push(...(await offsetsOf(asker, some)));
    first += some.length;
  }
  return all;
}

async function offsetsOf(
  { operations, context }: Asker,
  partitions: readonly PartitionAt[],
): Promise<readonly PartitionOffsets[]> {
  const list = (target: "earliest" | "latest") =>
    operations.listOffsets.list(context, {
      isolation: "read_uncommitted",
      partitions: partitions.map(({ topic, partition }) => ({
        topic,
        partition,
        target,
        leaderEpoch: null,
      })),
    });
  const [starts, ends] = await Promise.all([list("earliest"), list("latest")]);
  return partitions.map(({ topic, partition }, index) => {
    const start = starts[index];
    const end = ends[index];
    const refusal = [start, end].find((one) => one && one.error !== null);
    const detail = refusal && "detail" in refusal ? refusal.detail : null;
    return {
      topic,
      partition,
      error: refusal?.error ?? null,
      detail,
      startOffset: start?.error === null ? start.offset : null,
      endOffset: end?.error === null ? end.offset : null,
    };
  });
}

/** What a group has committed, with its lag; an error where its coordinator cannot say. */
export async function surveyGroupOffsets(
  asker: Asker,
  groupId: string,
): Promise<
  | { readonly error: null; readonly offsets: readonly GroupOffset[] }
  | { readonly error: string }
> {
  const { operations, context } = asker;
  const fetched = await operations.groups.fetchOffsets(context, {
    groupId,
    topics: null,
  });
  if (fetched.error !== null) return { error: fetched.error };
  const committed = fetched.answer.topics.flatMap(({ topic, partitions }) =>
    partitions.flatMap(({ partition, offset }) =>
      offset === null ? [] : [{ topic, partition, offset }],
    ),
  );
  const ends = await surveyOffsets(asker, committed);
  const offsets = committed.map((one, index) => {
    const endOffset = ends[index]?.endOffset ?? null;
    const lag = endOffset === null ? null : Math.max(0, endOffset - one.offset);
    return { ...one, endOffset, lag };
  });
  return { error: null, offsets };
}
