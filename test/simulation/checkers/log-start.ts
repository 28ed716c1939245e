/**
 * A log begins where it was made to begin: what was deleted does not come back,
 * and nothing else goes that retention has to keep.
 */
import type { Observation, Place } from "../../support/sim-observation.ts";
import { BrokenPromise, inMap, nameOf } from "./checker.ts";
import type { Checker } from "./checker.ts";

interface Known {
  /** What acknowledged deletions say to every question after them. */
  readonly floors: { readonly call: number; readonly offset: number }[];
  /** Below it anything may have been deleted on request. */
  askedOffset: number;
  /** By offset, of acknowledged records. */
  readonly timestamps: Map<number, number>;
}

export function createLogStartChecker(): Checker {
  /** By topic. */
  const retentions = new Map<string, number>();
  const partitions = new Map<string, Known>();
  /** By the id of a batch's first record. */
  const sentAt = new Map<string, number>();
  const knownOf = (place: Place): Known =>
    inMap(partitions, nameOf(place), () => ({
      floors: [],
      askedOffset: 0,
      timestamps: new Map<number, number>(),
    }));

  /** `call`: when it was asked. */
  const check = (
    place: Place,
    call: number,
    {
      startOffset,
      atMs,
    }: { readonly startOffset: number; readonly atMs: number },
  ): void => {
    const { floors, askedOffset, timestamps } = knownOf(place);
    const fail = (detail: string): never => {
      const name = `${nameOf(place)} begins at ${startOffset}`;
      throw new BrokenPromise("log-start", `${name}, ${detail}`);
    };
    const floor = floors.find(
      (one) => one.call < call && one.offset > startOffset,
    );
    if (floor !== undefined) fail(`and was deleted below ${floor.offset}`);
    const retentionMs = retentions.get(place.topic);
    if (retentionMs === undefined) return;
    for (const [offset, timestampMs] of timestamps) {
      if (offset >= startOffset) continue;
      timestamps.delete(offset);
      const ageMs = atMs - timestampMs;
      if (offset < askedOffset || ageMs > retentionMs) continue;
      fail(`and ${offset} was to stay for ${retentionMs} ms, not ${ageMs}`);
    }
  };

  return {
    see(observation: Observation): void {
      switch (observation.kind) {
        case "retained":
          retentions.set(observation.topic, observation.retentionMs);
          break;
        case "deleting-records": {
          const known = knownOf(observation);
          const { beforeOffset } = observation;
          known.askedOffset = Math.max(known.askedOffset, beforeOffset);
          break;
        }
        case "deleted-records": {
          const { call, startOffset: offset } = observation;
          knownOf(observation).floors.push({ call, offset });
          break;
        }
        case "sent":
          if (!retentions.has(observation.topic)) break;
          sentAt.set(observation.ids[0] ?? "", observation.timestampMs);
          break;
        case "acknowledged": {
          const { ids, baseOffset, topic } = observation;
          const timestampMs = sentAt.get(ids[0] ?? "");
          if (!retentions.has(topic) || timestampMs === undefined) break;
          const { timestamps } = knownOf(observation);
          for (const index of ids.keys()) {
            timestamps.set(baseOffset + index, timestampMs);
          }
          break;
        }
        case "read":
          check(observation, observation.call, observation);
          break;
        case "audited":
          check(observation, Number.POSITIVE_INFINITY, observation);
          break;
        default:
      }
    },
  };
}
