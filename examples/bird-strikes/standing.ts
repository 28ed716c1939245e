/**
 * How far earlier runs have come, as the broker knows it: what is fed, what the
 * group has committed. And starting over, which forgets both.
 */
import { setTimeout as sleep } from "node:timers/promises";
import {
  type Client,
  ClientError,
  type GroupDescription,
} from "../../client/index.ts";
import {
  branchTopics,
  deadLetters,
  group,
  partitionCount,
  reports,
} from "./distribution.ts";

const PATIENCE_MS = 10_000;

export interface Standing {
  /** By partition of the feed's topic. */
  readonly endOffsets: readonly number[];
  readonly fedCount: number;
  readonly committedCount: number;
}

/** Creates the feed's topic where it is missing. */
export async function findStanding({ admin }: Client): Promise<Standing> {
  await admin.createTopic({ name: reports.name, partitionCount });
  const { partitions } = await admin.describeTopic(reports.name);
  const endOffsets = partitions.map(({ endOffset }) => endOffset);
  const committed = (await offsetsOf(admin)).filter(
    ({ topic }) => topic === reports.name,
  );
  return {
    endOffsets,
    fedCount: sum(endOffsets),
    committedCount: sum(committed.map(({ offset }) => offset)),
  };
}

/**
 * Deletes the topics and the group, and waits until they are gone: a Kafka takes
 * its time, and a group first has to miss the member that was killed.
 */
export async function startOver({ admin }: Client): Promise<void> {
  const names = [reports.name, deadLetters, ...Object.values(branchTopics)];
  await eventually(`group ${group}`, async () => {
    try {
      await unlessUnknown(() => admin.deleteGroup(group));
      return true;
    } catch (error) {
      if (!isAnswer(error, ["non-empty-group"])) throw error;
      return false;
    }
  });
  for (const name of names) {
    await unlessUnknown(() => admin.deleteTopic(name));
  }
  await eventually(`topics ${names.join(", ")}`, async () => {
    const topics = await admin.listTopics();
    return !topics.some(({ name }) => names.includes(name));
  });
}

async function eventually(
  what: string,
  isGone: () => Promise<boolean>,
): Promise<void> {
  const deadlineMs = Date.now() + PATIENCE_MS;
  while (!(await isGone())) {
    if (Date.now() > deadlineMs) {
      throw new Error(`${what} cannot be deleted: is another run using it?`);
    }
    await sleep(50);
  }
}

async function offsetsOf(
  admin: Client["admin"],
): Promise<GroupDescription["offsets"]> {
  const description = await unlessUnknown(() => admin.describeGroup(group));
  return description?.offsets ?? [];
}

/** Null where what it is about does not exist. A broker that has just started is asked again. */
async function unlessUnknown<T>(ask: () => Promise<T>): Promise<T | null> {
  const deadlineMs = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (isAnswer(error, ["unknown-topic-or-partition"])) return null;
      if (isAnswer(error, ["group-id-not-found"])) return null;
      const mayPass = error instanceof ClientError && error.isRetriable;
      if (!mayPass || Date.now() > deadlineMs) throw error;
    }
    await sleep(50);
  }
}

function isAnswer(error: unknown, answers: readonly string[]): boolean {
  return error instanceof ClientError && answers.includes(error.answer ?? "");
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
