/** The data directory's own files: who it is, and what its checkpoints say of partitions. */
import {
  readSmallFile,
  formatPartitionOffsets,
} from "../storage/checkpoint.ts";
import type { PartitionOffset } from "../storage/checkpoint.ts";
import {
  CLEANER_OFFSET_FILE,
  FORMAT_FILE,
  LOG_START_OFFSET_FILE,
  META_PROPERTIES_FILE,
  partitionDirectoryName,
  RECOVERY_POINT_FILE,
  TEMPORARY_SUFFIX,
} from "../storage/layout.ts";
import {
  checkFormatProperties,
  parseMetaProperties,
} from "../storage/meta-properties.ts";
import { StorageError } from "../storage/storage-error.ts";
import { readOffsetLines } from "./offset-lines.ts";
import type { VerifyContext } from "./verify-context.ts";

/** By the partition directory's name. */
export type Offsets = ReadonlyMap<string, PartitionOffset>;

export interface RootFacts {
  readonly startOffsets: Offsets;
  readonly recoveryPoints: Offsets;
  readonly cleanedOffsets: Offsets;
}

/** Throws `format-too-new`: then nothing else can be judged either. */
export async function verifyRoot(
  context: VerifyContext,
  names: readonly string[],
): Promise<RootFacts> {
  await verifyProperties(context, FORMAT_FILE, (bytes) => {
    checkFormatProperties(bytes, context.pathOf(FORMAT_FILE));
  });
  await verifyProperties(context, META_PROPERTIES_FILE, (bytes) => {
    parseMetaProperties(bytes, META_PROPERTIES_FILE, "");
  });
  for (const name of names) {
    if (!name.endsWith(TEMPORARY_SUFFIX)) continue;
    const detail = "a file that was being replaced";
    const fix = { action: "move-aside", partition: null, path: name } as const;
    await context.find("leftover-file", name, detail, { fix });
  }
  return {
    startOffsets: await verifyOffsets(context, LOG_START_OFFSET_FILE),
    recoveryPoints: await verifyOffsets(context, RECOVERY_POINT_FILE),
    cleanedOffsets: await verifyOffsets(context, CLEANER_OFFSET_FILE),
  };
}

async function verifyProperties(
  context: VerifyContext,
  name: string,
  check: (bytes: Uint8Array) => void,
): Promise<void> {
  const bytes = await readSmallFile(context.disk, context.pathOf(name));
  if (bytes === null) return;
  try {
    check(bytes);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    if (error.code === "format-too-new") throw error;
    const fix = { action: "move-aside", partition: null, path: name } as const;
    await context.find("wrong-properties", name, error.detail, { fix });
  }
}

async function verifyOffsets(
  context: VerifyContext,
  name: string,
): Promise<Offsets> {
  const bytes = await readSmallFile(context.disk, context.pathOf(name));
  if (bytes === null) return new Map();
  const { entries, wrong } = readOffsetLines(bytes);
  if (wrong !== null) {
    const fix = rewriteOffsets(name, entries);
    await context.find("wrong-checkpoint", name, wrong, { fix });
  }
  return new Map(entries.map((one) => [partitionDirectoryName(one), one]));
}

/** The checkpoint with these lines only. */
export function rewriteOffsets(
  name: string,
  entries: readonly PartitionOffset[],
) {
  const content = formatPartitionOffsets(entries);
  return {
    action: "rewrite-file",
    partition: null,
    path: name,
    content,
  } as const;
}
