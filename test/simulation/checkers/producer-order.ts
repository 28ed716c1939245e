/**
 * What one lane sent lies in the order in which it was sent; nothing is there
 * that was not sent. An idempotent producer's sequence has no gaps and is never
 * refused where it goes on behind what was acknowledged.
 *
 * But for one that was under way when the broker stopped: what a broker takes
 * from a snapshot is the last batch of each producer, as Kafka's has no more.
 * An older one that comes again is refused, and not doubled.
 */
import type { Observation, Place } from "../../support/sim-observation.ts";
import { BrokenPromise, inMap, laneOf, nameOf } from "./checker.ts";
import type { Checker } from "./checker.ts";

export function createProducerOrderChecker(): Checker {
  /** By id: where it was sent to, and whether it is sent until it is answered. */
  const sent = new Map<
    string,
    {
      readonly place: string;
      readonly isRetried: boolean;
      /** How often the broker had stopped by then. */
      readonly stopCount: number;
    }
  >();
  let stopCount = 0;

  /** Others are written by those who are not watched: results of a pipeline. */
  const watched = new Set<string>();

  const mustBeSent = (place: Place, id: string): boolean => {
    const one = sent.get(id);
    if (one?.place === nameOf(place)) return one.isRetried;
    const detail = `${id} in ${nameOf(place)} was sent ${one === undefined ? "by nobody" : `to ${one.place}`}`;
    throw new BrokenPromise("producer-order", detail);
  };

  return {
    see(observation: Observation): void {
      switch (observation.kind) {
        case "sent": {
          const { ids, isRetried } = observation;
          watched.add(observation.topic);
          const place = nameOf(observation);
          for (const id of ids) sent.set(id, { place, isRetried, stopCount });
          break;
        }
        case "stopped":
          stopCount += 1;
          break;
        case "sequence-refused": {
          const { id, errorCode } = observation;
          if ((sent.get(id)?.stopCount ?? 0) < stopCount) break;
          const detail = `${id}, the first that is not acknowledged in ${nameOf(observation)}, is refused with ${errorCode}`;
          throw new BrokenPromise("producer-order", detail);
        }
        case "read":
        case "audited": {
          if (!watched.has(observation.topic)) break;
          const lasts = new Map<string, number>();
          const isWhole =
            observation.kind === "audited" && observation.startOffset === 0;
          for (const { id, offset } of observation.records) {
            const isRetried = mustBeSent(observation, id);
            const { lane, number } = laneOf(id);
            const first = isWhole && isRetried ? 0 : null;
            const last = inMap(lasts, lane, () => (first ?? number) - 1);
            const isNext = isRetried ? number === last + 1 : number > last;
            if (!isNext) {
              const detail = `${id} is at ${nameOf(observation)}@${offset}, behind number ${last} of its lane`;
              throw new BrokenPromise("producer-order", detail);
            }
            lasts.set(lane, number);
          }
          break;
        }
        default:
      }
    },
  };
}
