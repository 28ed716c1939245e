/**
 * What a machine needs of the log that is its history, and of the place where
 * its snapshots lie. A partition log and a snapshot file happen to have it.
 */
import type { Payload } from "../lib/payload.ts";

export interface MachineLog {
  /** The first record that can still be read. */
  readonly startOffset: number;
  /** Behind the last record; after a failed append, behind the last one written. */
  readonly endOffset: number;
  /**
   * Appends one record batch, whose base offset the log sets. Offsets are
   * assigned before this returns; the bytes belong to the log from now on.
   */
  append(batch: Uint8Array): MachineAppendResult;
  /**
   * Record batches from the one that holds `offset` on: the first one whole,
   * whatever its size, then about `sizeBytesMax` bytes in all, of which the last
   * batch may be cut. The caller releases them.
   */
  read(
    request: MachineReadRequest,
  ): MachineReadResult | Promise<MachineReadResult>;
  /** Returns when all that `read` can see is durable. */
  sync(): Promise<void>;
}

export type MachineAppendResult =
  | {
      readonly error: null;
      readonly baseOffset: number;
      /** Rejects when the batch could not be written. */
      readonly written: Promise<void>;
      /** Returns when the batch is as durable as acks -1 promises; calls made close together share a sync. */
      durable(): Promise<void>;
    }
  | { readonly error: string; readonly detail: string };

export interface MachineReadRequest {
  readonly offset: number;
  readonly sizeBytesMax: number;
  readonly minOneBatch: true;
  /** All that is written, whoever else may see it yet. */
  readonly limit: "end";
  /** Into memory: what is decoded may stay. */
  readonly transfer: "plain";
}

export type MachineReadResult =
  | { readonly error: null; readonly payload: Payload }
  | { readonly error: string; readonly detail?: string };

export interface Snapshot {
  /** The log's records below this offset are contained. */
  readonly endOffset: number;
  /** Record batches, as in a log. */
  readonly bytes: Uint8Array;
}

export interface SnapshotStore {
  /** The newest whole snapshot, or null. */
  load(): Promise<Snapshot | null>;
  /** Returns when the snapshot is durable and older ones are gone. */
  save(snapshot: Snapshot): Promise<void>;
}
