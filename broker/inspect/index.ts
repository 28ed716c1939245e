/**
 * The tools for a data directory.
 *
 * Looking at its files, one at a time, as they lie there: nothing is written or
 * locked. A running broker does no harm, but its newest index entries are still
 * in its memory, and its last batch may be half there.
 *
 * Verifying the directory as a whole: it must be stopped, and is locked.
 */
import { createNodePlatform } from "../platform/node/node-platform.ts";
import { withLockedDirectory } from "./locked-directory.ts";
import {
  type FindingVisitor,
  VerifyContext,
  type VerifyOptions,
} from "./verify-context.ts";
import { verifyDirectory, type VerifySummary } from "./verify-directory.ts";

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
export {
  type Finding,
  findingKinds,
  type FindingKind,
  type KindOfFinding,
  type Severity,
} from "./finding.ts";
export type { FindingVisitor, VerifyOptions } from "./verify-context.ts";
export type { VerifySummary } from "./verify-directory.ts";

/** Throws `BrokerError`: `directory-in-use`, `directory-too-new`, `directory-unusable`. */
export async function verify(
  directory: string,
  options: VerifyOptions,
  told: {
    readonly finding: FindingVisitor;
    readonly progress: (sizeBytes: number) => void;
  },
): Promise<VerifySummary> {
  const { disk } = createNodePlatform({ mmap: "plain" });
  return withLockedDirectory(disk, directory, async () => {
    const context = new VerifyContext(disk, directory, options, told);
    return (await verifyDirectory(context)).summary;
  });
}
