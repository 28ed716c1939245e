/**
 * Rebuilds a machine's state: the newest snapshot, then the log behind it.
 *
 * Both are record batches and go through the same replay. A snapshot only
 * saves time: one that is damaged, or that says more than the log, is passed
 * over, and the log is replayed from its start.
 */
import type { Payload } from "../lib/payload.ts";
import { readBatches, type BatchesRead } from "./machine-batch.ts";
import type { MachineLog, Snapshot, SnapshotStore } from "./machine-log.ts";
import type { RecordCodec, StateMachine } from "./machine.ts";

/** What is read from the log at a time; a pause for the event loop lies between. */
const READ_SIZE_BYTES = 1024 * 1024;

export interface LoadParts<Record> {
  readonly machine: StateMachine<Record>;
  readonly codec: RecordCodec<Record>;
  readonly log: MachineLog;
  readonly snapshots: SnapshotStore | null;
}

export type LoadResult =
  | {
      readonly error: null;
      readonly endOffset: number;
      readonly snapshotEndOffset: number | null;
      /** What was replayed from the log, behind the snapshot. */
      readonly tailSizeBytes: number;
      /** What was passed over, to be told to the operator. */
      readonly warning: string | null;
    }
  | LoadFailure;

interface LoadFailure {
  readonly error: "unreadable";
  readonly detail: string;
}

/**
 * Leaves the machine replayed to the log's end, and all of it durable.
 * `isWanted` is asked after every wait; false ends the load without a result.
 * Rejects only when `replay` fails, which is a bug.
 */
export async function loadMachine<Record>(
  parts: LoadParts<Record>,
  isWanted: () => boolean,
): Promise<LoadResult | null> {
  const { machine, log, snapshots } = parts;
  machine.reset();
  let snapshot: Snapshot | null = null;
  let warning: string | null = null;
  try {
    snapshot = snapshots === null ? null : await snapshots.load();
  } catch (error) {
    warning = `the snapshot cannot be read: ${detailOf(error)}`;
  }
  if (!isWanted()) return null;
  if (snapshot !== null) {
    const fault = replaySnapshot(parts, snapshot);
    if (fault !== null) {
      warning = `the snapshot at ${snapshot.endOffset} is passed over: ${fault}`;
      snapshot = null;
      machine.reset();
    }
  }

  let offset = snapshot?.endOffset ?? log.startOffset;
  let tailSizeBytes = 0;
  while (offset < log.endOffset) {
    const { endOffset } = log;
    const chunk = await readChunk(log, offset);
    if (!isWanted()) return null;
    if (chunk.error !== null) return chunk;
    const read = replayBatches(parts, chunk.bytes, { fromOffset: offset });
    if (read.error !== null) return unreadable(read.detail);
    // Where a repair took out the last records, the log ends in a gap.
    const isGap = chunk.bytes.length === 0;
    if (read.endOffset <= offset && !isGap) {
      return unreadable(`nothing at ${offset}`);
    }
    offset = isGap ? endOffset : read.endOffset;
    tailSizeBytes += chunk.bytes.length - read.restSizeBytes;
    if (offset < log.endOffset) continue;

    // What a crash left written but not synced is state now, and answers will
    // show it. While this waits, a write begun before may still extend the log.
    try {
      await log.sync();
    } catch (error) {
      return unreadable(detailOf(error));
    }
    if (!isWanted()) return null;
  }
  // Something failed meanwhile and took back what was just replayed.
  if (offset > log.endOffset) {
    return unreadable(`the log ends at ${log.endOffset}, not at ${offset}`);
  }
  return {
    error: null,
    endOffset: offset,
    snapshotEndOffset: snapshot?.endOffset ?? null,
    tailSizeBytes,
    warning,
  };
}

/** Why the snapshot is of no use, or null; the machine may then have part of it. */
function replaySnapshot<Record>(
  parts: LoadParts<Record>,
  { bytes, endOffset }: Snapshot,
): string | null {
  const { startOffset, endOffset: logEndOffset } = parts.log;
  if (endOffset < startOffset || endOffset > logEndOffset) {
    return `the log has the records ${startOffset} to ${logEndOffset}`;
  }
  const at = { fromOffset: 0, asOffset: endOffset - 1 };
  const read = replayBatches(parts, bytes, at);
  if (read.error !== null) return read.detail;
  return read.restSizeBytes > 0 ? "its end is missing" : null;
}

/**
 * A record that cannot be decoded is a fault of the file, or of a later
 * release's making; one that cannot be replayed is a bug, and thrown.
 */
function replayBatches<Record>(
  { machine, codec }: LoadParts<Record>,
  bytes: Uint8Array,
  from: { readonly fromOffset: number; readonly asOffset?: number },
): BatchesRead {
  const { fromOffset, asOffset } = from;
  return readBatches(
    bytes,
    fromOffset,
    ({ key, value, offset, timestampMs }) => {
      let record: Record | null;
      try {
        record = codec.decode(key, value);
      } catch (error) {
        return `the record at offset ${offset} cannot be decoded: ${detailOf(error)}`;
      }
      if (record !== null) {
        machine.replay(record, { offset: asOffset ?? offset, timestampMs });
      }
      return null;
    },
  );
}

function unreadable(detail: string): LoadFailure {
  return { error: "unreadable", detail };
}

type Chunk = { readonly error: null; readonly bytes: Uint8Array } | LoadFailure;

async function readChunk(log: MachineLog, offset: number): Promise<Chunk> {
  try {
    const result = await log.read({
      offset,
      sizeBytesMax: READ_SIZE_BYTES,
      minOneBatch: true,
      limit: "end",
      transfer: "plain",
    });
    if (result.error !== null) return unreadable(result.detail ?? result.error);
    try {
      return { error: null, bytes: await copyOf(result.payload) };
    } finally {
      result.payload.release();
    }
  } catch (error) {
    return unreadable(detailOf(error));
  }
}

/** Copied, because decoded records may keep views of it for as long as they live. */
async function copyOf(payload: Payload): Promise<Uint8Array> {
  const bytes = new Uint8Array(payload.sizeBytes);
  let sizeBytes = 0;
  for (const part of payload.parts) {
    if (part instanceof Uint8Array) {
      bytes.set(part, sizeBytes);
      sizeBytes += part.length;
      continue;
    }
    for await (const chunk of part.read()) {
      bytes.set(chunk, sizeBytes);
      sizeBytes += chunk.length;
    }
  }
  return bytes;
}

export function detailOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
