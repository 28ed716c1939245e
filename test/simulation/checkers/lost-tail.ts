/**
 * A position beyond a lost tail is told so by the leader epoch.
 *
 * Whoever read up to `offset` in one epoch asks how far that epoch reaches. If
 * records of a later epoch are known to lie below `offset`, the answer must be
 * at or before the first of them; otherwise he would go on behind records that
 * he never saw.
 */
import type { Observation, Place } from "../../support/sim-observation.ts";
import { BrokenPromise, inMap, losesPages, nameOf } from "./checker.ts";
import type { Checker } from "./checker.ts";

export function createLostTailChecker(): Checker {
  /** By partition and epoch, the first offset that was seen in it. */
  const firsts = new Map<string, Map<number, number>>();
  const firstsOf = (place: Place): Map<number, number> =>
    inMap(firsts, nameOf(place), () => new Map<number, number>());

  return {
    see(observation: Observation): void {
      switch (observation.kind) {
        case "read":
        case "audited": {
          const known = firstsOf(observation);
          for (const { offset, leaderEpoch } of observation.records) {
            const first = known.get(leaderEpoch) ?? offset;
            known.set(leaderEpoch, Math.min(first, offset));
          }
          break;
        }
        case "stopped":
          // Records of an epoch that did not last may be lost themselves.
          if (losesPages(observation)) firsts.clear();
          break;
        case "epoch-end": {
          const { offset, leaderEpoch, endOffset } = observation;
          for (const [epoch, first] of firstsOf(observation)) {
            if (epoch <= leaderEpoch || first >= offset) continue;
            if (endOffset <= first) continue;
            const detail = `${nameOf(observation)}: epoch ${leaderEpoch} is said to reach ${endOffset}, and epoch ${epoch} begins at ${first}`;
            throw new BrokenPromise("lost-tail", detail);
          }
          break;
        }
        default:
      }
    },
  };
}
