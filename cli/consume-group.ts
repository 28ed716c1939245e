/**
 * Reading as a member of a group: whatever was written is committed, at most a
 * batch later. A record that was written twice was committed by nobody.
 */
import type { From } from "../client/index.ts";
import { printBatch, type Reading } from "./consume.ts";
import { usageFailure } from "./failure.ts";
import type { Place } from "./place.ts";

export async function consumeAsMember(
  { client, topic, from, end, printer, signal }: Reading,
  group: string,
): Promise<void> {
  const finished = new AbortController();
  const positions = new Map<number, number>();
  // Ends the member's wait where the last of its partitions is at its end.
  const maybeFinish = () => {
    const isAtEnd =
      positions.size > 0 &&
      [...positions].every(([partition, offset]) =>
        end.isReached(partition, offset),
      );
    if (isAtEnd) finished.abort();
  };
  const consumer = await client.consumer({
    group,
    topics: [topic],
    from: startOf(from),
    signal: AbortSignal.any([signal, finished.signal]),
  });
  consumer.onAssign(async (assigned) => {
    for (const { partition, offset } of assigned) {
      positions.set(partition, offset);
    }
    maybeFinish();
  });
  consumer.onRevoke(async (revoked) => {
    for (const { partition } of revoked) positions.delete(partition);
  });
  try {
    for await (const batch of consumer) {
      const { partition } = batch;
      const { nextOffset } = printBatch(batch, end, printer);
      await printer.flush();
      if (nextOffset !== null) {
        await consumer.commit([{ topic, partition, offset: nextOffset }]);
        positions.set(partition, nextOffset);
        maybeFinish();
      }
      if (finished.signal.aborted || printer.isDone) return;
    }
  } catch (error) {
    if (!finished.signal.aborted) throw error;
  } finally {
    await consumer.close();
  }
}

/** Where a group starts that has committed nothing: the group remembers the rest. */
function startOf(from: Place): From {
  if (typeof from === "string" || "timestamp" in from) return from;
  throw usageFailure(
    "with --group, --from is earliest, latest or a time, for partitions without a commit",
  );
}
