/**
 * What a group has committed passes no record that it is not done with: at the
 * end every record below a committed offset was handed to the group, or, for a
 * pipeline, its results or its dead letter are there. A record that took the
 * offset of one that was lost counts by itself: it cannot be skipped in silence.
 */
import type { Observation } from "../../support/sim-observation.ts";
import { BrokenPromise, inMap, nameOf } from "./checker.ts";
import type { Checker } from "./checker.ts";

export function createSettledRecordsChecker(): Checker {
  /** By group. */
  const settled = new Map<string, Set<string>>();
  /** By group and partition: the last that was found. */
  const committed = new Map<
    string,
    { readonly group: string; readonly place: string; readonly offset: number }
  >();

  return {
    see(observation: Observation): void {
      switch (observation.kind) {
        case "settled":
          inMap(settled, observation.group, () => new Set<string>()).add(
            observation.id,
          );
          break;
        case "found-committed": {
          const { group, offset } = observation;
          const place = nameOf(observation);
          committed.set(`${group} ${place}`, {
            group,
            place,
            offset: offset ?? 0,
          });
          break;
        }
        case "audited":
          for (const { group, place, offset: end } of committed.values()) {
            if (place !== nameOf(observation)) continue;
            for (const { id, offset } of observation.records) {
              if (offset >= end || settled.get(group)?.has(id) === true)
                continue;
              const detail = `${group} committed ${end} of ${place} and is not done with ${id} at ${offset}`;
              throw new BrokenPromise("settled-records", detail);
            }
          }
          break;
        default:
      }
    },
  };
}
