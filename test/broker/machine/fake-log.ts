/**
 * A machine's log without a disk. Batches go through three states, moved by the
 * test or, with `isAutomatic`, by themselves:
 *
 *   assigned -> written -> durable
 *
 * A failed write takes back its batch and all behind it, as a partition log
 * does. A failed sync fails every batch that is not durable; `crash` then says
 * how many of those are still there when the log is read again.
 */
import {
  baseOffsetOf,
  lastOffsetDeltaOf,
  setBaseOffset,
} from "../../../broker/record/batch.ts";
import { concatBytes } from "../../../broker/lib/bytes.ts";
import { payloadOf } from "../../../broker/lib/payload.ts";
import type {
  MachineAppendResult,
  MachineLog,
  MachineReadRequest,
  MachineReadResult,
  Snapshot,
  SnapshotStore,
} from "../../../broker/machine/machine-log.ts";

interface Entry {
  readonly bytes: Uint8Array;
  readonly baseOffset: number;
  readonly endOffset: number;
  isWritten: boolean;
  isDurable: boolean;
  readonly written: Deferred;
  readonly durable: Deferred;
}

interface Deferred {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

function deferred(): Deferred {
  let resolve = (): void => {};
  let reject = (_error: Error): void => {};
  const promise = new Promise<void>((resolved, rejected) => {
    resolve = resolved;
    reject = rejected;
  });
  return { promise, resolve, reject };
}

export class FakeLog implements MachineLog {
  startOffset = 0;
  isAutomatic: boolean;
  /** The next append is refused with this detail. */
  refusal: string | null = null;
  /** Every read fails with this detail. */
  readFault: string | null = null;
  /** Small, to see reads in several pieces. */
  readSizeBytesMax = 1024 * 1024;
  syncCount = 0;
  readCount = 0;
  #entries: Entry[] = [];

  constructor(isAutomatic = true) {
    this.isAutomatic = isAutomatic;
  }

  get endOffset(): number {
    return this.#entries.findLast((entry) => entry.isWritten)?.endOffset ?? 0;
  }

  get batchCount(): number {
    return this.#entries.length;
  }

  append(batch: Uint8Array): MachineAppendResult {
    if (this.refusal !== null) {
      const detail = this.refusal;
      this.refusal = null;
      return { error: "refused", detail };
    }
    const baseOffset = this.#entries.at(-1)?.endOffset ?? 0;
    setBaseOffset(batch, 0, baseOffset);
    const entry: Entry = {
      bytes: batch,
      baseOffset,
      endOffset: baseOffset + lastOffsetDeltaOf(batch, 0) + 1,
      isWritten: false,
      isDurable: false,
      written: deferred(),
      durable: deferred(),
    };
    // A test need not look at either.
    entry.written.promise.catch(() => {});
    entry.durable.promise.catch(() => {});
    this.#entries.push(entry);
    if (this.isAutomatic) this.sync();
    return {
      error: null,
      baseOffset,
      written: entry.written.promise,
      durable: () => entry.durable.promise,
    };
  }

  async read({
    offset,
    sizeBytesMax,
  }: MachineReadRequest): Promise<MachineReadResult> {
    this.readCount += 1;
    if (this.readFault !== null) {
      return { error: "storage-offline", detail: this.readFault };
    }
    const at = this.#entries.findIndex((entry) => entry.endOffset > offset);
    const found = at < 0 ? [] : this.#entries.slice(at);
    const rest = found.filter((entry) => entry.isWritten);
    const first = rest[0]?.bytes.length ?? 0;
    const limit = Math.min(sizeBytesMax, this.readSizeBytesMax);
    const bytes = concatBytes(rest.map((entry) => entry.bytes));
    // A slice of its own: the machine must not keep what it releases.
    return {
      error: null,
      payload: payloadOf([bytes.slice(0, Math.max(first, limit))]),
    };
  }

  /** The oldest so many batches are written. */
  write(count = this.#entries.length): void {
    for (const entry of this.#entries.slice(0, count)) {
      entry.isWritten = true;
      entry.written.resolve();
    }
  }

  /** Makes everything durable. As the machine's own call: what is written. */
  async sync(): Promise<void> {
    this.syncCount += 1;
    this.makeDurable(this.#entries.length);
  }

  /** The oldest so many batches are written and synced. */
  makeDurable(count: number): void {
    this.write(count);
    for (const entry of this.#entries.slice(0, count)) {
      entry.isDurable = true;
      entry.durable.resolve();
    }
  }

  /** The oldest batch not yet written, and all behind it, never will be. */
  failWrite(detail: string): void {
    const at = this.#entries.findIndex((entry) => !entry.isWritten);
    if (at < 0) return;
    for (const entry of this.#entries.splice(at)) {
      entry.written.reject(new Error(detail));
      entry.durable.reject(new Error(detail));
    }
  }

  /** What is not durable fails; `survivorCount` of it is found when the log is read again. */
  failSync(detail: string, survivorCount: number): void {
    const at = this.#entries.findIndex((entry) => !entry.isDurable);
    if (at < 0) return;
    const pending = this.#entries.splice(at);
    this.#entries.push(...pending.slice(0, survivorCount));
    for (const [index, entry] of pending.entries()) {
      if (index < survivorCount) entry.isWritten = true;
      entry.written.reject(new Error(detail));
      entry.durable.reject(new Error(detail));
    }
  }

  /** What a new process finds: everything written, or only what is durable. */
  reopened(what: "written" | "durable" = "durable"): FakeLog {
    const log = new FakeLog(this.isAutomatic);
    log.#entries = this.#entries
      .filter((entry) =>
        what === "durable" ? entry.isDurable : entry.isWritten,
      )
      .map((entry) => ({ ...entry, bytes: entry.bytes.slice() }));
    return log;
  }

  /** Turns over one bit of the batch that holds the offset. */
  damage(offset: number): void {
    const entry = this.#entries.find((each) => each.endOffset > offset);
    const last = (entry?.bytes.length ?? 0) - 1;
    entry?.bytes.set([(entry.bytes[last] ?? 0) ^ 1], last);
  }

  /** Base offsets, to see which records share a batch. */
  baseOffsets(): readonly number[] {
    return this.#entries.map((entry) => baseOffsetOf(entry.bytes, 0));
  }
}

/** Keeps the newest snapshot; saves can be made to fail. */
export class FakeSnapshots implements SnapshotStore {
  newest: Snapshot | null = null;
  saveFault: string | null = null;
  saveCount = 0;

  async load(): Promise<Snapshot | null> {
    return this.newest;
  }

  async save(snapshot: Snapshot): Promise<void> {
    if (this.saveFault !== null) throw new Error(this.saveFault);
    this.saveCount += 1;
    this.newest = { ...snapshot, bytes: snapshot.bytes.slice() };
  }
}
