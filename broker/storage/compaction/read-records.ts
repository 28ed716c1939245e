/** The records of a batch, with pauses, bounded in what they may inflate to. */
import { openRecords } from "../../record/record.ts";
import type { RecordReader, StoredRecord } from "../../record/record.ts";
import { RecordError } from "../../record/record-error.ts";
import type { Pace } from "./pace.ts";
import type { WalkedBatch } from "./walk-batches.ts";

/** Records between two looks at the clock: some ten microseconds. */
export const RECORDS_PER_LOOK = 8;

/**
 * Shows each record to `visit`. Answers why the batch cannot be read, after
 * some records may have been shown, or its reader. Throws `CompactionStopped`.
 */
export async function readRecords(
  batch: WalkedBatch,
  inflatedSizeBytesMax: number,
  pace: Pace,
  visit: (record: StoredRecord, reader: RecordReader) => void,
): Promise<RecordReader | RecordError> {
  // What is not compressed is in memory already, whatever its size.
  const sizeBytesMax = Math.max(inflatedSizeBytesMax, batch.sizeBytes);
  const reader = openRecords(batch.bytes, batch.at, { sizeBytesMax });
  if (reader instanceof RecordError) return reader;
  for (let count = 1; ; count++) {
    const record = reader.next();
    if (record === null) return reader;
    if (record instanceof RecordError) return record;
    visit(record, reader);
    if (count % RECORDS_PER_LOOK === 0 && pace.isDue) await pace.pause();
  }
}
