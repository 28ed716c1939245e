/**
 * What may fail in a simulated run, and what must survive it.
 *
 * May fail, while the first phase lasts:
 *
 * - The broker's process is killed: between any two of its awaits, or in the
 *   middle of a write, of which any part may then be in the file. What the
 *   system had taken from it (bytes in the page cache, bytes on their way to a
 *   client) stays, or happens, or does not.
 * - The power fails: besides, what no sync covers is there in part, out of
 *   order, or not at all; files that were created, renamed or removed since
 *   their directory was synced may be as before.
 * - The disk answers EIO to a read, a write or a sync. After a failed sync the
 *   pages may be gone. A write that fails may have written some of its bytes.
 * - The disk is full for a while (ENOSPC), after as many bytes as still fit;
 *   descriptors run out (EMFILE).
 * - The disk stalls: a call takes seconds.
 * - A range cannot be mapped.
 * - The network delays, stalls, cuts a connection at any byte, refuses one; a
 *   client takes what it is sent slowly.
 * - A client is killed between its request and the answer.
 *
 * Must survive, and is checked (docs/guarantees.md): what was acknowledged at
 * -1, whatever failed; what was acknowledged at 1, if no power cut and no
 * failed sync came after; the order and the density of offsets; committed
 * offsets; topics; a group that never skips a record; the last record of each
 * key of a compacted topic; and what retention keeps.
 *
 * Is not tried: a disk that says "synced" and lies, bits that flip (the fuzzers
 * do), two processes in one directory.
 *
 * A run does not suffer everything at once: which kinds of faults there are, and
 * how often, is drawn once for each run. A rare fault in a quiet run reaches
 * states that a storm never does. In the second phase nothing fails: then
 * everything must come to rest.
 */
import type { SeededRandom } from "../support/seeded-random.ts";
import type { NetworkFaults } from "./sim-connection.ts";
import type { DiskCallKind, DiskFaults } from "./sim-disk.ts";

/** The chances of one run; 0 for what does not happen in it. */
export interface FaultRates {
  /** Mean times between two, in ms; 0: never. */
  readonly killEveryMs: number;
  readonly powerCutEveryMs: number;
  readonly cleanStopEveryMs: number;
  readonly clientKillEveryMs: number;
  readonly fullDiskEveryMs: number;
  /** Per call. */
  readonly readError: number;
  readonly writeError: number;
  readonly syncError: number;
  readonly descriptorError: number;
  readonly dieInWrite: number;
  readonly diskStall: number;
  /** Per piece that a connection sends. */
  readonly cut: number;
  readonly networkStall: number;
  readonly refuse: number;
  /** Whether pieces are small: half frames everywhere. */
  readonly hasSmallPieces: boolean;
  readonly hasMaps: boolean;
}

export const noFaults: FaultRates = {
  killEveryMs: 0,
  powerCutEveryMs: 0,
  cleanStopEveryMs: 0,
  clientKillEveryMs: 0,
  fullDiskEveryMs: 0,
  readError: 0,
  writeError: 0,
  syncError: 0,
  descriptorError: 0,
  dieInWrite: 0,
  diskStall: 0,
  cut: 0,
  networkStall: 0,
  refuse: 0,
  hasSmallPieces: false,
  hasMaps: true,
};

export function drawFaultRates(random: SeededRandom): FaultRates {
  /** Half of the runs know the fault; then it is as rare as 1 to 1/10 of what is given. */
  const rate = (most: number): number =>
    random.fraction() < 0.5 ? 0 : most * 0.1 ** random.fraction();
  const every = (leastMs: number): number =>
    random.fraction() < 0.5 ? 0 : leastMs * 10 ** random.fraction();
  return {
    killEveryMs: every(2_000),
    powerCutEveryMs: every(2_000),
    cleanStopEveryMs: every(5_000),
    clientKillEveryMs: every(2_000),
    fullDiskEveryMs: every(5_000),
    readError: rate(0.005),
    writeError: rate(0.005),
    syncError: rate(0.005),
    descriptorError: rate(0.005),
    dieInWrite: rate(0.005),
    diskStall: rate(0.01),
    cut: rate(0.01),
    networkStall: rate(0.005),
    refuse: rate(0.1),
    hasSmallPieces: random.fraction() < 0.3,
    hasMaps: random.fraction() < 0.7,
  };
}

/** What is drawn at every call, and how often each fault struck. */
export class Faults implements DiskFaults, NetworkFaults {
  readonly #random: SeededRandom;
  readonly #counts = new Map<string, number>();
  rates: FaultRates;
  /** Called when a failed sync loses what it could not write. */
  lostPages = (): void => {};

  constructor(random: SeededRandom, rates: FaultRates) {
    this.#random = random;
    this.rates = rates;
  }

  /** By kind, how often it struck. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  count(kind: string): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
  }

  codeFor(kind: DiskCallKind): string | null {
    const { readError, writeError, syncError, descriptorError } = this.rates;
    switch (kind) {
      case "read":
      case "list":
      case "size":
        return this.#strikes("EIO on read", readError) ? "EIO" : null;
      case "append":
      case "truncate":
      case "rename":
      case "remove":
      case "mkdir":
        return this.#strikes("EIO on write", writeError) ? "EIO" : null;
      case "sync":
      case "syncdir":
        return this.#strikes("EIO on sync", syncError) ? "EIO" : null;
      case "open":
        return this.#strikes("EMFILE", descriptorError) ? "EMFILE" : null;
      case "lock":
      case "boot":
      case "close":
        return null;
    }
  }

  diesInWrite(): boolean {
    return this.#strikes("killed writing", this.rates.dieInWrite);
  }

  maps(): boolean {
    return this.rates.hasMaps && this.#random.fraction() < 0.9;
  }

  dropsPages(): boolean {
    if (this.#random.fraction() < 0.5) return false;
    this.count("lost pages");
    this.lostPages();
    return true;
  }

  refuses(): boolean {
    return this.#strikes("refused", this.rates.refuse);
  }

  cuts(): boolean {
    return this.#strikes("cut", this.rates.cut);
  }

  deliversAfterDeath(): boolean {
    return this.#random.fraction() < 0.5;
  }

  pieceSizeBytes(queuedSizeBytes: number): number {
    const { hasSmallPieces } = this.rates;
    if (hasSmallPieces) {
      return Math.min(queuedSizeBytes, 1 + this.#random.integer(600));
    }
    if (this.#random.fraction() < 0.8) return queuedSizeBytes;
    return Math.min(queuedSizeBytes, 1 + this.#random.integer(queuedSizeBytes));
  }

  /** Of the disk for its calls, of the network without one. */
  latencyMs(kind?: DiskCallKind): number {
    const fraction = this.#random.fraction();
    if (kind === undefined) {
      if (this.#strikes("network stall", this.rates.networkStall)) {
        return 1_000 + fraction * 40_000;
      }
      return 0.05 + fraction * 0.5;
    }
    if (this.#strikes("disk stall", this.rates.diskStall)) {
      return 50 + fraction * fraction * 5_000;
    }
    const isSync = kind === "sync" || kind === "syncdir";
    return isSync ? 0.3 + fraction * 3 : 0.02 + fraction * 0.2;
  }

  /** When the next of something comes that comes so often; null: never. */
  nextInMs(everyMs: number): number | null {
    if (everyMs === 0) return null;
    return -Math.log(1 - this.#random.fraction()) * everyMs;
  }

  #strikes(kind: string, rate: number): boolean {
    if (rate === 0 || this.#random.fraction() >= rate) return false;
    this.count(kind);
    return true;
  }
}
