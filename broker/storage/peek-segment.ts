/**
 * What retention has to know of a partition that nobody has opened: most of tens
 * of thousands have one segment that is far from too old, and an open log takes
 * 7 KB of memory. Only for what was closed cleanly, as it believes the time
 * index, whose last entry is the segment's greatest timestamp then.
 */
import { readInt64 } from "../lib/bytes.ts";
import type { Disk } from "../platform/disk.ts";
import { joinPath, parseSegmentFileName, segmentFileName } from "./layout.ts";
import type { SegmentFacts } from "./retention.ts";
import { readFault } from "./storage-error.ts";
import { TIME_INDEX_ENTRY_SIZE } from "./time-index.ts";

/** What was seen of each directory, until a log is opened for it. */
export class SegmentPeeks {
  readonly #disk: Disk;
  readonly #facts = new Map<string, SegmentFacts>();

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** Null where there is more than one segment, or a log has to be opened to tell. Throws `StorageError`. */
  async at(directory: string): Promise<SegmentFacts | null> {
    const known = this.#facts.get(directory);
    if (known !== undefined) return known;
    try {
      const facts = await peekOnlySegment(this.#disk, directory);
      if (facts !== null) this.#facts.set(directory, facts);
      return facts;
    } catch (error) {
      throw readFault(directory, error);
    }
  }

  /** A log is opened for it, or it goes. */
  forget(directory: string): void {
    this.#facts.delete(directory);
  }
}

async function peekOnlySegment(
  disk: Disk,
  directory: string,
): Promise<SegmentFacts | null> {
  const bases: number[] = [];
  for (const { name } of await disk.list(directory)) {
    const parsed = parseSegmentFileName(name);
    if (parsed?.kind === "log") bases.push(parsed.baseOffset);
  }
  const [baseOffset] = bases;
  if (baseOffset === undefined || bases.length > 1) return null;
  const pathOf = (kind: "log" | "timeIndex") =>
    joinPath(directory, segmentFileName(baseOffset, kind));
  const sizeBytes = await disk.sizeOf(pathOf("log"));
  const indexSizeBytes = await disk.sizeOf(pathOf("timeIndex"));
  if (sizeBytes === null || (indexSizeBytes ?? 0) < TIME_INDEX_ENTRY_SIZE) {
    return null;
  }
  const file = await disk.open(pathOf("timeIndex"), "read");
  try {
    const entry = new Uint8Array(TIME_INDEX_ENTRY_SIZE);
    const position = file.sizeBytes - TIME_INDEX_ENTRY_SIZE;
    if ((await file.read(entry, position)) < entry.length) return null;
    const greatestTimestampMs = readInt64(entry, 0);
    if (greatestTimestampMs < 0) return null;
    // It is the last one, and all of it can be seen.
    return { endOffset: 0, sizeBytes, greatestTimestampMs };
  } finally {
    await file.close();
  }
}
