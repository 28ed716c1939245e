/**
 * One directory, twice: its names as processes see them, and as they surely are
 * on the disk. What changed since the last sync of the directory is a journal
 * of changes; each is atomic, as a rename is.
 *
 * After a power cut changes of names that have nothing to do with each other
 * may survive without each other. Those of one name keep their order: a journal
 * ends somewhere, and what is before its end was done.
 */
import type { SeededRandom } from "../support/seeded-random.ts";
import { SimInode } from "./sim-inode.ts";

export type SimNode = SimInode | SimDirectory;

/** Name -> what it stands for from then on; null: nothing. */
type Change = ReadonlyMap<string, SimNode | null>;

export class SimDirectory {
  #entries = new Map<string, SimNode>();
  #durable = new Map<string, SimNode>();
  #journal: Change[] = [];

  get(name: string): SimNode | null {
    return this.#entries.get(name) ?? null;
  }

  get entries(): ReadonlyMap<string, SimNode> {
    return this.#entries;
  }

  change(...changes: readonly (readonly [string, SimNode | null])[]): void {
    const change = new Map(changes);
    apply(change, this.#entries);
    this.#journal.push(change);
  }

  /** What a sync that begins now will make durable. */
  beginSync(): number {
    return this.#journal.length;
  }

  endSync(count: number): void {
    for (const change of this.#journal.splice(0, count)) {
      apply(change, this.#durable);
    }
  }

  loseUnsynced(random: SeededRandom): void {
    const keepsAll = random.fraction() < 0.3;
    for (const group of connectedChanges(this.#journal)) {
      const kept = keepsAll ? group.length : random.integer(group.length + 1);
      for (const change of group.slice(0, kept)) apply(change, this.#durable);
    }
    this.#journal = [];
    this.#entries = new Map(this.#durable);
    for (const node of this.#entries.values()) node.loseUnsynced(random);
  }

  clone(): SimDirectory {
    const copy = new SimDirectory();
    for (const [name, node] of this.#entries) copy.change([name, node.clone()]);
    copy.endSync(copy.beginSync());
    return copy;
  }
}

function apply(change: Change, entries: Map<string, SimNode>): void {
  for (const [name, node] of change) {
    if (node === null) entries.delete(name);
    else entries.set(name, node);
  }
}

/** Changes that share a name, directly or through others, in their order. */
function connectedChanges(journal: readonly Change[]): readonly Change[][] {
  const groups: { readonly names: Set<string>; readonly changes: Change[] }[] =
    [];
  for (const change of journal) {
    const touched = groups.filter(({ names }) =>
      [...change.keys()].some((name) => names.has(name)),
    );
    const merged = { names: new Set(change.keys()), changes: [change] };
    for (const group of touched.toReversed()) {
      for (const name of group.names) merged.names.add(name);
      merged.changes.unshift(...group.changes);
      groups.splice(groups.indexOf(group), 1);
    }
    groups.push(merged);
  }
  return groups.map(({ changes }) => changes);
}
