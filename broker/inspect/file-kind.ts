/** What a file of a data directory is, by its name. */
import { parseSnapshotFileName } from "../machine/snapshot-file.ts";
import {
  CLEANER_OFFSET_FILE,
  FORMAT_FILE,
  LEADER_EPOCH_FILE,
  LOG_START_OFFSET_FILE,
  META_PROPERTIES_FILE,
  PARTITION_METADATA_FILE,
  parseSegmentFileName,
  RECOVERY_POINT_FILE,
  segmentFileName,
} from "../storage/layout.ts";

export type InspectedKind =
  | { readonly kind: "segment"; readonly baseOffset: number }
  | {
      readonly kind: "offset-index" | "time-index";
      readonly baseOffset: number;
      /** The .log file beside it that its entries are about. */
      readonly logName: string;
    }
  | { readonly kind: "producer-snapshot" }
  | { readonly kind: "transaction-index" }
  | { readonly kind: "checkpoint"; readonly columns: readonly string[] }
  | { readonly kind: "properties" };

/** Null for a name that is none of ours. The name is the file's own, without its directory. */
export function inspectedKindOf(name: string): InspectedKind | null {
  switch (name) {
    case LEADER_EPOCH_FILE:
      return { kind: "checkpoint", columns: ["epoch", "startOffset"] };
    case LOG_START_OFFSET_FILE:
    case RECOVERY_POINT_FILE:
    case CLEANER_OFFSET_FILE:
      return { kind: "checkpoint", columns: ["topic", "partition", "offset"] };
    case PARTITION_METADATA_FILE:
    case META_PROPERTIES_FILE:
    case FORMAT_FILE:
      return { kind: "properties" };
  }
  // A machine's snapshot is batches, as a log is.
  if (parseSnapshotFileName(name) !== null) {
    return { kind: "segment", baseOffset: 0 };
  }
  const segment = parseSegmentFileName(name);
  if (segment === null) return null;
  const { baseOffset } = segment;
  const logName = segmentFileName(baseOffset, "log");
  switch (segment.kind) {
    case "log":
      return { kind: "segment", baseOffset };
    case "offsetIndex":
      return { kind: "offset-index", baseOffset, logName };
    case "timeIndex":
      return { kind: "time-index", baseOffset, logName };
    case "producerSnapshot":
      return { kind: "producer-snapshot" };
    case "transactionIndex":
      return { kind: "transaction-index" };
  }
}
