/**
 * What was acknowledged at -1 is there after any crash; what was acknowledged
 * at 1 is there after any kill of the process.
 *
 * A sync covers everything before it in its partition: so records that were
 * acknowledged at 1 below one that was at -1 are as safe.
 */
import type { Observation, Place } from "../../support/sim-observation.ts";
import { BrokenPromise, inMap, nameOf } from "./checker.ts";
import type { Checker } from "./checker.ts";

interface Promised {
  /** By offset. */
  readonly ids: Map<number, string>;
  /** Below it everything is on the disk. */
  durableEndOffset: number;
}

export function createAcknowledgedChecker(): Checker {
  const partitions = new Map<string, Promised>();
  const promisedOf = (place: Place): Promised =>
    inMap(partitions, nameOf(place), () => ({
      ids: new Map<number, string>(),
      durableEndOffset: 0,
    }));

  const check = (place: Place, offset: number, found: string | null): void => {
    const promised = promisedOf(place).ids.get(offset);
    if (promised === undefined || promised === found) return;
    throw new BrokenPromise(
      "acknowledged",
      `${promised} was acknowledged at ${nameOf(place)}@${offset}, where ${found ?? "nothing"} is`,
    );
  };

  return {
    see(observation: Observation): void {
      switch (observation.kind) {
        case "acknowledged": {
          const { ids, baseOffset, acks } = observation;
          const promised = promisedOf(observation);
          for (const [index, id] of ids.entries()) {
            check(observation, baseOffset + index, id);
            promised.ids.set(baseOffset + index, id);
          }
          if (acks !== -1) break;
          const endOffset = baseOffset + ids.length;
          if (endOffset > promised.durableEndOffset) {
            promised.durableEndOffset = endOffset;
          }
          break;
        }
        case "stopped":
          if (
            observation.how !== "power-cut" &&
            observation.how !== "lost-pages"
          )
            break;
          for (const { ids, durableEndOffset } of partitions.values()) {
            for (const offset of ids.keys()) {
              if (offset >= durableEndOffset) ids.delete(offset);
            }
          }
          break;
        case "read":
          for (const { offset, id } of observation.records) {
            check(observation, offset, id);
          }
          break;
        case "audited": {
          const { startOffset, records } = observation;
          const found = new Map(records.map(({ offset, id }) => [offset, id]));
          for (const offset of promisedOf(observation).ids.keys()) {
            if (offset < startOffset) continue;
            check(observation, offset, found.get(offset) ?? null);
          }
          break;
        }
        default:
      }
    },
  };
}
