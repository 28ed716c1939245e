/** In one generation of a group a partition has one owner. */
import type { Observation } from "../../support/sim-observation.ts";
import { BrokenPromise, nameOf } from "./checker.ts";
import type { Checker } from "./checker.ts";

export function createOwnershipChecker(): Checker {
  /** By group, generation and partition, the member. */
  const owners = new Map<string, string>();

  return {
    see(observation: Observation): void {
      if (observation.kind !== "assigned") return;
      const { group, generation, member } = observation;
      for (const place of observation.partitions) {
        const key = `${group} generation ${generation} ${nameOf(place)}`;
        const owner = owners.get(key) ?? member;
        if (owner !== member) {
          const detail = `${key} is ${owner}'s and ${member}'s`;
          throw new BrokenPromise("ownership", detail);
        }
        owners.set(key, member);
      }
    },
  };
}
