/** An index that is built anew from its log equals the one that grew with it. */
import type { Observation } from "../../support/sim-observation.ts";
import { BrokenPromise } from "./checker.ts";
import type { Checker } from "./checker.ts";

export function createRebuiltIndexChecker(): Checker {
  return {
    see(observation: Observation): void {
      if (observation.kind !== "rebuilt-index") return;
      const { path, kept, rebuilt } = observation;
      if (Buffer.compare(kept, rebuilt) === 0) return;
      let at = 0;
      while (at < kept.length && kept[at] === rebuilt[at]) at += 1;
      const detail = `${path} has ${kept.length} bytes, built anew ${rebuilt.length}; they differ from byte ${at} on`;
      throw new BrokenPromise("rebuilt-index", detail);
    },
  };
}
