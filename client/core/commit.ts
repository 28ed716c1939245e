/** Committing offsets, tried again while the coordinator is away. */
import type { Clock } from "../../broker/platform/clock.ts";
import type { Random } from "../../broker/platform/random.ts";
import type { TopicPartitionOffset } from "../client.ts";
import type { Driver, GroupMember } from "./driver.ts";
import { isPassing, isRetriableAnswer, refused } from "./refusal.ts";
import { backoffMs } from "./wait.ts";

/** Java's `default.api.timeout.ms`. */
const COMMIT_TIMEOUT_MS = 60_000;

/** The member has no say any more: the partitions are somebody else's, or nobody's. */
const LOST_ANSWERS: ReadonlySet<string> = new Set([
  "illegal-generation",
  "unknown-member-id",
  "fenced-instance-id",
  "rebalance-in-progress",
]);

type Platform = { readonly clock: Clock; readonly random: Random };

/** `lost` where the generation is over. Rejects with any other refusal, after a minute with a passing one. */
export async function commitOffsets(
  driver: Driver,
  { clock, random }: Platform,
  member: GroupMember,
  offsets: readonly TopicPartitionOffset[],
): Promise<"committed" | "lost"> {
  const deadlineMs = clock.monotonic() + COMMIT_TIMEOUT_MS;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await commitOnce(driver, member, offsets);
    } catch (error) {
      if (!isPassing(error) || clock.monotonic() >= deadlineMs) throw error;
    }
    await new Promise<void>((resolve) => {
      clock.schedule(backoffMs(attempt, random), resolve);
    });
  }
}

async function commitOnce(
  driver: Driver,
  member: GroupMember,
  offsets: readonly TopicPartitionOffset[],
): Promise<"committed" | "lost"> {
  const answers = await driver.group.commit(member, offsets);
  const errors = answers.flatMap(({ error }) =>
    error === null ? [] : [error],
  );
  if (errors.some((error) => LOST_ANSWERS.has(error))) return "lost";
  // One that will never pass tells more than one that may.
  const error =
    errors.find((answer) => !isRetriableAnswer(answer)) ?? errors[0];
  if (error === undefined) return "committed";
  throw refused(`a commit of the group ${member.group}`, error);
}
