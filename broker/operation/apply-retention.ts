/**
 * Retention as a job of the maintenance loop: removes the segments that a
 * topic's `retention.ms` and `retention.bytes` let go.
 *
 * A topic whose `cleanup.policy` lacks `delete` has neither limit. One without
 * limits is left alone: its logs are not even opened.
 */
import type { Topic } from "../catalog/topic.ts";
import type { Logger } from "../options.ts";
import { countRemovable } from "../storage/retention.ts";
import type { RetentionLimits } from "../storage/retention.ts";
import type { Clock } from "../platform/clock.ts";
import type { LogJob } from "./maintain-logs.ts";

export function createRetention(clock: Clock, logger: Logger): LogJob {
  return {
    name: "retention",
    concerns: (topic) => {
      const { retentionMs, retentionSizeBytes } = limitsOf(topic);
      return retentionMs !== null || retentionSizeBytes !== null;
    },
    canWait: (topic, segment) => {
      const marks = { nowMs: clock.now(), startOffset: 0, highWatermark: 0 };
      return countRemovable([segment], limitsOf(topic), marks) === 0;
    },
    async run({ topic, partition, log }) {
      const gone = await log.removeOldSegments(limitsOf(topic));
      if (gone.length === 0) return;
      let sizeBytes = 0;
      for (const segment of gone) sizeBytes += segment.sizeBytes;
      logger.info(
        { topic: topic.name, partition },
        `retention removed ${gone.length} segments of ${sizeBytes} bytes: the partition starts at offset ${log.startOffset}`,
      );
    },
  };
}

function limitsOf({ config }: Topic): RetentionLimits {
  const { cleanupPolicy, retentionMs, retentionSizeBytes } = config;
  return cleanupPolicy.delete
    ? { retentionMs, retentionSizeBytes }
    : { retentionMs: null, retentionSizeBytes: null };
}
