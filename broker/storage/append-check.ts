/** Whether the bytes given to an append are one batch that the topic takes. */
import {
  refuseRecords,
  validateOneBatch,
  validateRecords,
} from "../record/batch-validator.ts";
import { recompress } from "../record/recompress.ts";
import { RecordError } from "../record/record-error.ts";
import type { AppendRefused } from "./append-result.ts";
import { NEVER } from "./log-config.ts";
import type { LogConfig } from "./log-config.ts";

/** What a batch's records may inflate to, where the topic has them looked at or compressed anew. */
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

/** The batch as the topic stores it: compressed anew where its `compression.type` says so. */
export function storedForm(
  batch: Uint8Array,
  config: LogConfig,
): Uint8Array | AppendRefused {
  const { compression, compressionLevel } = config;
  if (compression === null) return batch;
  const stored = recompress(batch, compression, {
    level: compressionLevel,
    sizeBytesMax: INFLATED_SIZE_BYTES_MAX,
  });
  if (stored instanceof RecordError) return refuseRecords(stored);
  // It may have grown: then it is held to the topic's limits once more, as in Kafka.
  return stored === batch ? batch : (refuseSize(stored, config) ?? stored);
}

function refuseSize(
  { length }: Uint8Array,
  { maxMessageSizeBytes, segmentSizeBytes }: LogConfig,
): AppendRefused | null {
  const sizeBytesMax = Math.min(maxMessageSizeBytes, segmentSizeBytes);
  if (length <= sizeBytesMax) return null;
  return {
    error: "message-too-large",
    detail: `batch of ${length} bytes as the topic compresses it, at most ${sizeBytesMax}`,
  };
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
