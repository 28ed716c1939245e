/** Whether a machine's snapshot can be loaded: the rules are those of the loader. */
import { readBatches } from "../machine/machine-batch.ts";
import { joinPath } from "../storage/layout.ts";
import { readRange } from "../storage/file-window.ts";
import { findSoundBatches } from "./sound-batches.ts";
import type { VerifyContext } from "./verify-context.ts";

/** Takes a record in; throws for one that cannot be decoded. */
export type RecordReader = (
  key: Uint8Array | null,
  value: Uint8Array | null,
  offset: number,
) => void;

const anyOffset = { baseOffset: 0, endOffset: null };

/** What is wrong with it, or null; its records have gone to the reader by then. */
export async function faultOfSnapshot(
  context: VerifyContext,
  path: string,
  read: RecordReader,
): Promise<string | null> {
  const fault = await context.withFile(path, async (file) => {
    for await (const pieces of findSoundBatches(file, anyOffset)) {
      for (const piece of pieces) {
        if (piece.kind === "hole") return { fault: piece.detail };
        const { position, sizeBytes } = piece;
        const bytes = await readRange(file, position, sizeBytes);
        const found = faultOfBatch(bytes, read);
        if (found !== null) return { fault: found };
      }
    }
    return null;
  });
  return fault?.fault ?? null;
}

/** The same for one whole batch of a machine's log. */
export function faultOfBatch(
  bytes: Uint8Array,
  read: RecordReader,
): string | null {
  const result = readBatches(bytes, 0, ({ key, value, offset }) => {
    try {
      read(key, value, offset);
      return null;
    } catch (error) {
      return `the record at offset ${offset} cannot be decoded: ${error instanceof Error ? error.message : String(error)}`;
    }
  });
  return result.error === null ? null : result.detail;
}

export interface MachineLogPlace {
  /** The partition's directory, seen from the data directory. */
  readonly name: string;
  readonly startOffset: number;
  readonly endOffset: number;
  readonly snapshots: readonly {
    readonly name: string;
    readonly endOffset: number;
  }[];
}

/** Tells what is wrong with the snapshots of a log, and where it needs one that is not there. */
export async function verifyMachineSnapshots(
  context: VerifyContext,
  log: MachineLogPlace,
  read: RecordReader,
): Promise<void> {
  const partition = log.name;
  const isWhole = log.startOffset === 0;
  const bad: { readonly path: string; fault: string; isNeeded: boolean }[] = [];
  let goodCount = 0;
  for (const { name, endOffset } of log.snapshots) {
    const path = joinPath(partition, name);
    const isInLog = endOffset >= log.startOffset && endOffset <= log.endOffset;
    const fault = isInLog
      ? await faultOfSnapshot(context, path, read)
      : `the log has the records ${log.startOffset} to ${log.endOffset}`;
    // Without a snapshot the log must reach back to its first record.
    const isNeeded = !isWhole && endOffset >= log.startOffset;
    if (fault === null) goodCount += 1;
    else bad.push({ path, fault, isNeeded });
  }
  for (const { path, fault, isNeeded } of bad) {
    // The newest one is loaded: where it is out of the way, the one before it is.
    const canGo = !isNeeded || goodCount > 0;
    await context.find("wrong-machine-snapshot", path, fault, {
      severity: isNeeded ? "damage" : "leftover",
      fix: canGo ? { action: "move-aside", partition, path } : null,
    });
  }
  if (!isWhole && goodCount === 0) {
    const detail = `the log begins at offset ${log.startOffset}`;
    await context.find("missing-machine-snapshot", partition, detail);
  }
}
