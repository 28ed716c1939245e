/** A record is there once: no retry doubles it, and no restart. */
import type { Observation, Place } from "../../support/sim-observation.ts";
import { BrokenPromise, inMap, losesPages, nameOf } from "./checker.ts";
import type { Checker } from "./checker.ts";

export function createNoDuplicatesChecker(): Checker {
  /** By id, where it was seen; forgotten where a power cut may have moved it. */
  const partitions = new Map<string, Map<string, number>>();

  /** A pipeline is free to do something twice. */
  const watched = new Set<string>();

  const look = (place: Place, id: string, offset: number): void => {
    const offsets = inMap(
      partitions,
      nameOf(place),
      () => new Map<string, number>(),
    );
    const before = offsets.get(id);
    if (before !== undefined && before !== offset) {
      const detail = `${id} is at ${before} and at ${offset} of ${nameOf(place)}`;
      throw new BrokenPromise("no-duplicates", detail);
    }
    offsets.set(id, offset);
  };

  return {
    see(observation: Observation): void {
      switch (observation.kind) {
        case "sent":
          watched.add(observation.topic);
          break;
        case "stopped":
          if (losesPages(observation)) partitions.clear();
          break;
        case "creating-topic":
        case "deleting-topic":
          for (const name of partitions.keys()) {
            if (name.startsWith(`${observation.topic}-`))
              partitions.delete(name);
          }
          break;
        case "read":
        case "audited":
          if (!watched.has(observation.topic)) break;
          for (const { id, offset } of observation.records) {
            look(observation, id, offset);
          }
          break;
        default:
      }
    },
  };
}
