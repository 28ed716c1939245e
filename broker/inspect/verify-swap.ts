/**
 * Compacted segments that were to take the place of others, and have not yet.
 * The next opening puts them there without a look, so what they hold is looked
 * at here; a compaction that did not end (.cleaned) is removed by it, and not.
 */
import {
  joinPath,
  parseSegmentFileName,
  SWAP_SUFFIX,
} from "../storage/layout.ts";
import { findSoundBatches } from "./sound-batches.ts";
import type { VerifyContext } from "./verify-context.ts";

/** Tells of each; repairing finishes them, unless one is damaged. */
export async function verifySwaps(
  context: VerifyContext,
  partition: string,
  names: readonly string[],
): Promise<void> {
  let isSound = true;
  for (const name of names) {
    if (!(await holds(context, partition, name))) isSound = false;
  }
  for (const name of names) {
    const path = joinPath(partition, name);
    const fix = { action: "finish-compaction", partition, path } as const;
    await context.find(
      "unfinished-compaction",
      path,
      isSound
        ? "it takes the place of segments"
        : "it takes the place of segments, and is damaged: what it replaces may still be whole",
      isSound ? { fix } : {},
    );
  }
}

/** A log without damage. Its indexes are built anew where they are wrong. */
async function holds(
  context: VerifyContext,
  partition: string,
  name: string,
): Promise<boolean> {
  const segment = parseSegmentFileName(name.slice(0, -SWAP_SUFFIX.length));
  if (segment?.kind !== "log") return true;
  const path = joinPath(partition, name);
  const { baseOffset } = segment;
  const isSound = await context.withFile(path, async (file) => {
    let isSound = true;
    const bounds = { baseOffset, endOffset: null };
    for await (const pieces of findSoundBatches(file, bounds)) {
      for (const piece of pieces) {
        context.progress(piece.sizeBytes);
        if (piece.kind !== "hole") continue;
        isSound = false;
        const { position, sizeBytes, detail } = piece;
        const place = { position, sizeBytes };
        await context.find("damaged-batch", path, detail, place);
      }
    }
    return isSound;
  });
  return isSound ?? true;
}
