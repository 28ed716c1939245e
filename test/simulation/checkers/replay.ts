/** What a broker knows after it has replayed its logs is what it knew before. */
import type { Observation } from "../../support/sim-observation.ts";
import { BrokenPromise } from "./checker.ts";
import type { Checker } from "./checker.ts";

export function createReplayChecker(): Checker {
  return {
    see(observation: Observation): void {
      if (observation.kind !== "replayed") return;
      const { before, after, how } = observation;
      for (const name of new Set([...before.keys(), ...after.keys()])) {
        const [was, is] = [before.get(name), after.get(name)];
        if (was === is) continue;
        const detail = `after a ${how} ${name} is ${is ?? "gone"}, and was ${was ?? "not there"}`;
        throw new BrokenPromise("replay", detail);
      }
    },
  };
}
