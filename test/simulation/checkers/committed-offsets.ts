/**
 * What a group has committed is found again: the offset of the last commit that
 * was acknowledged, or a later one that was sent; it never goes back. A group
 * that was told of a lost tail goes back by itself.
 */
import type { Observation, Place } from "../../support/sim-observation.ts";
import { BrokenPromise, nameOf } from "./checker.ts";
import type { Checker } from "./checker.ts";

export function createCommittedOffsetsChecker(): Checker {
  /** By group and partition: what any answer from now on may not be below. */
  const floors = new Map<string, number>();
  /** When the group last went back: commits that were sent before say nothing any more. */
  const wentBack = new Map<string, number>();
  /** By call, the floors when it was asked. */
  const asked = new Map<number, ReadonlyMap<string, number>>();
  const keyOf = (at: Place & { readonly group: string }): string =>
    `${at.group} ${nameOf(at)}`;

  return {
    see(observation: Observation): void {
      switch (observation.kind) {
        case "committed": {
          const key = keyOf(observation);
          const { call, offset } = observation;
          if (call < (wentBack.get(key) ?? 0)) break;
          floors.set(key, Math.max(floors.get(key) ?? 0, offset));
          break;
        }
        case "went-back": {
          const key = keyOf(observation);
          const floor = Math.min(floors.get(key) ?? 0, observation.offset);
          floors.set(key, floor);
          wentBack.set(key, observation.call);
          break;
        }
        case "asking-committed":
          asked.set(observation.call, new Map(floors));
          break;
        case "found-committed": {
          const key = keyOf(observation);
          const floor = Math.min(
            asked.get(observation.call)?.get(key) ?? 0,
            // What went back since may be found as well.
            floors.get(key) ?? 0,
          );
          const offset = observation.offset ?? 0;
          if (offset >= floor) break;
          const detail = `${key}: ${floor} was committed, ${observation.offset} is found`;
          throw new BrokenPromise("committed-offsets", detail);
        }
        default:
      }
    },
  };
}
