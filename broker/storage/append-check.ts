/** Whether the bytes given to an append are one batch that the topic takes. */
import {
  validateOneBatch,
  validateRecords,
} from "../record/batch-validator.ts";
import type { AppendRefused } from "./append-result.ts";
import { NEVER } from "./log-config.ts";
import type { LogConfig } from "./log-config.ts";

/** What the records of a compacted topic's batch may inflate to, while their keys are looked at. */
const INFLATED_SIZE_BYTES_MAX = 128 * 1024 * 1024;

/** Null: fit to be appended, as far as the producers' states do not object. */
export function checkAppend(
  batch: Uint8Array,
  config: LogConfig,
  nowMs: number,
): AppendRefused | null {
  const refused = validateOneBatch(batch, {
    sizeBytesMax: config.maxMessageSizeBytes,
    ...timestampLimits(config, nowMs),
  });
  if (refused !== null) return refused;
  if (batch.length > config.segmentSizeBytes) {
    return {
      error: "message-too-large",
      detail: `batch of ${batch.length} bytes, a segment has ${config.segmentSizeBytes}`,
    };
  }
  if (!config.needsKeys) return null;
  return validateRecords(batch, 0, {
    needsKeys: true,
    sizeBytesMax: INFLATED_SIZE_BYTES_MAX,
  });
}

/** The producer's timestamps only matter where they stay. */
function timestampLimits(config: LogConfig, nowMs: number) {
  if (config.messageTimestampType === "LogAppendTime") {
    return { timestampMsMin: 0, timestampMsMax: NEVER };
  }
  return {
    timestampMsMin: Math.max(0, nowMs - config.messageTimestampBeforeMaxMs),
    timestampMsMax: Math.min(NEVER, nowMs + config.messageTimestampAfterMaxMs),
  };
}
