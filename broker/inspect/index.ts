/**
 * Looking at the files of a data directory, one at a time, as they lie there.
 * Nothing is written or locked. A running broker does no harm, but its newest
 * index entries are still in its memory, and its last batch may be half there.
 */
export type { Damage } from "./batch-walk.ts";
export { type InspectedKind, inspectedKindOf } from "./file-kind.ts";
export type { InspectedFile } from "./inspected-file.ts";
export {
  type IndexTail,
  inspectOffsetIndex,
  type InspectedOffsetEntry,
  type InspectedTimeEntry,
  inspectTimeIndex,
} from "./inspect-index.ts";
export {
  type InspectedBatch,
  type InspectedRecord,
  inspectSegment,
} from "./inspect-segment.ts";
export {
  inspectCheckpoint,
  type InspectedRows,
  inspectProducerSnapshot,
  inspectProperties,
} from "./inspect-small-file.ts";
