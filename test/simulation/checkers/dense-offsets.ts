/**
 * Offsets are dense, and an offset that was read stays what it was: a fetch
 * answers the record that was asked for and those behind it, without a gap, and
 * so does the next one. Only a power cut takes back what was read and not yet
 * durable; what is read afterwards in its place is something new. In a topic that
 * is compacted offsets may be missing.
 */
import type {
  Observation,
  Place,
  SeenRecord,
} from "../../support/sim-observation.ts";
import { BrokenPromise, inMap, losesPages, nameOf } from "./checker.ts";
import type { Checker } from "./checker.ts";

interface Known {
  readonly ids: Map<number, string>;
  durableEndOffset: number;
}

export function createDenseOffsetsChecker(): Checker {
  const partitions = new Map<string, Known>();
  /** Topics. */
  const compacted = new Set<string>();
  const knownOf = (place: Place): Known =>
    inMap(partitions, nameOf(place), () => ({
      ids: new Map<number, string>(),
      durableEndOffset: 0,
    }));

  const look = (
    place: Place,
    firstOffset: number,
    records: readonly SeenRecord[],
  ): void => {
    const { ids } = knownOf(place);
    const isCompacted = compacted.has(place.topic);
    let expected = firstOffset;
    for (const { offset, id } of records) {
      if (isCompacted ? offset < expected : offset !== expected) {
        const detail = `${nameOf(place)} answers offset ${offset}, expected ${expected}`;
        throw new BrokenPromise("dense-offsets", detail);
      }
      const before = ids.get(offset);
      if (before !== undefined && before !== id) {
        const detail = `${nameOf(place)}@${offset} was ${before}, and is ${id}`;
        throw new BrokenPromise("dense-offsets", detail);
      }
      ids.set(offset, id);
      expected = offset + 1;
    }
  };

  return {
    see(observation: Observation): void {
      switch (observation.kind) {
        case "writing":
          compacted.add(observation.topic);
          break;
        case "acknowledged": {
          const { baseOffset, ids, acks } = observation;
          if (acks !== -1) break;
          const known = knownOf(observation);
          const endOffset = baseOffset + ids.length;
          known.durableEndOffset = Math.max(known.durableEndOffset, endOffset);
          break;
        }
        case "stopped":
          if (!losesPages(observation)) break;
          for (const { ids, durableEndOffset } of partitions.values()) {
            for (const offset of ids.keys()) {
              if (offset >= durableEndOffset) ids.delete(offset);
            }
          }
          break;
        // Names of topics that were deleted come again.
        case "creating-topic":
        case "deleting-topic":
          for (const name of partitions.keys()) {
            if (name.startsWith(`${observation.topic}-`))
              partitions.delete(name);
          }
          break;
        case "read": {
          const { fetchOffset, startOffset, records } = observation;
          look(observation, Math.max(fetchOffset, startOffset), records);
          break;
        }
        case "audited": {
          const { startOffset, endOffset, records } = observation;
          look(observation, startOffset, records);
          if (compacted.has(observation.topic)) break;
          if (startOffset + records.length === endOffset) break;
          const detail = `${nameOf(observation)} ends at ${endOffset}, and ${records.length} records from ${startOffset} can be read`;
          throw new BrokenPromise("dense-offsets", detail);
        }
        default:
      }
    },
  };
}
