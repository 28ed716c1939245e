/**
 * What was acknowledged at -1 is there after any crash; what was acknowledged
 * at 1 is there after any kill of the process.
 *
 * A sync covers everything before it in its partition: so records that were
 * acknowledged at 1 below one that was at -1 are as safe.
 *
 * An answer may still be on its way to the client when the power fails. It says
 * no more than if it had come just before: so what was sent before pages were
 * lost is held against what was durable then.
 */
import type { Observation, Place } from "../../support/sim-observation.ts";
import { BrokenPromise, inMap, losesPages, nameOf } from "./checker.ts";
import type { Checker } from "./checker.ts";

interface Promised {
  /** By offset. */
  readonly ids: Map<number, string>;
  /** Below it everything is on the disk. */
  durableEndOffset: number;
  /** As it was when pages were lost the last time. */
  keptEndOffset: number;
}

export function createAcknowledgedChecker(): Checker {
  const partitions = new Map<string, Promised>();
  /** By the id of a batch's first record: how often pages had been lost when it was sent. */
  const sentAfter = new Map<string, number>();
  let lossCount = 0;
  const promisedOf = (place: Place): Promised =>
    inMap(partitions, nameOf(place), () => ({
      ids: new Map<number, string>(),
      durableEndOffset: 0,
      keptEndOffset: 0,
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
        case "sent":
          sentAfter.set(observation.ids[0] ?? "", lossCount);
          break;
        case "acknowledged": {
          const { ids, baseOffset, acks } = observation;
          const promised = promisedOf(observation);
          const isOld = (sentAfter.get(ids[0] ?? "") ?? lossCount) < lossCount;
          // At 1 a batch is sent once: it was the log before the loss that took it.
          if (acks === 1 && isOld && baseOffset >= promised.keptEndOffset)
            break;
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
          if (!losesPages(observation)) break;
          lossCount += 1;
          for (const promised of partitions.values()) {
            const { ids, durableEndOffset } = promised;
            promised.keptEndOffset = durableEndOffset;
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
