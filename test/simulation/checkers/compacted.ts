/**
 * A compacted topic says of each key what was last written to it: the last
 * record that was acknowledged, or one behind it whose writer was never
 * answered. A key that was taken away is gone, and no older record comes back.
 * What is left of the log lies at its offsets, in their order.
 */
import type {
  Observation,
  Place,
  SeenRecord,
} from "../../support/sim-observation.ts";
import { BrokenPromise, inMap, nameOf } from "./checker.ts";
import type { Checker } from "./checker.ts";

interface Written {
  /** Sent, and not acknowledged: each may be there or not. */
  readonly open: Set<string>;
  /** By id, of what was acknowledged; and the other way round. */
  readonly offsets: Map<string, number>;
  readonly ids: Map<number, string>;
  /** By key, the last that was acknowledged. */
  readonly lasts: Map<string, { readonly offset: number; readonly id: string }>;
}

const isTombstone = (id: string): boolean => id.endsWith(":gone");
/** `p1.2/17:k3:gone` -> `k3` */
const keyOf = (id: string): string => id.split(":")[1] ?? "";

export function createCompactedChecker(): Checker {
  const partitions = new Map<string, Written>();
  const writtenTo = (place: Place): Written =>
    inMap(partitions, nameOf(place), () => ({
      open: new Set<string>(),
      offsets: new Map<string, number>(),
      ids: new Map<number, string>(),
      lasts: new Map<
        string,
        { readonly offset: number; readonly id: string }
      >(),
    }));

  const fail = (place: Place, detail: string): never => {
    throw new BrokenPromise("compacted", `${nameOf(place)}: ${detail}`);
  };

  const acknowledge = (place: Place, offset: number, id: string): void => {
    const { open, offsets, ids, lasts } = writtenTo(place);
    const before = ids.get(offset) ?? id;
    if (before !== id) fail(place, `${before} and ${id} are both at ${offset}`);
    open.delete(id);
    offsets.set(id, offset);
    ids.set(offset, id);
    const last = lasts.get(keyOf(id));
    if (last === undefined || last.offset < offset) {
      lasts.set(keyOf(id), { offset, id });
    }
  };

  const look = (place: Place, records: readonly SeenRecord[]): void => {
    const { open, offsets, ids } = writtenTo(place);
    let previous = -1;
    for (const { offset, id } of records) {
      if (offset <= previous) fail(place, `${offset} comes behind ${previous}`);
      previous = offset;
      const written = offsets.get(id);
      if (written === undefined && !open.has(id)) {
        fail(place, `${id} at ${offset} was written by nobody`);
      }
      const other = ids.get(offset) ?? id;
      if ((written ?? offset) === offset && other === id) continue;
      fail(place, `${id} is at ${offset}, where ${other} was written`);
    }
  };

  /** Against the map that the acknowledged writes make. */
  const compare = (place: Place, records: readonly SeenRecord[]): void => {
    const { open, lasts } = writtenTo(place);
    const found = new Map(records.map((record) => [keyOf(record.id), record]));
    const takenAway = new Set([...open].filter(isTombstone).map(keyOf));
    for (const [key, { offset, id }] of lasts) {
      const record = found.get(key);
      if (record !== undefined && record.offset >= offset) continue;
      const mayBeGone = isTombstone(id) || takenAway.has(key);
      if (record === undefined && mayBeGone) continue;
      const seen = record === undefined ? "nothing" : record.id;
      fail(place, `${id} was written to ${key} at ${offset}, ${seen} is found`);
    }
  };

  return {
    see(observation: Observation): void {
      switch (observation.kind) {
        case "writing":
          for (const id of observation.ids) writtenTo(observation).open.add(id);
          break;
        case "written":
          for (const [index, id] of observation.ids.entries()) {
            acknowledge(observation, observation.baseOffset + index, id);
          }
          break;
        case "read":
        case "audited":
          if (!partitions.has(nameOf(observation))) break;
          look(observation, observation.records);
          if (observation.kind === "audited") {
            compare(observation, observation.records);
          }
          break;
        default:
      }
    },
  };
}
