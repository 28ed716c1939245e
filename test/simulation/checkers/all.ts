/**
 * Every checker of the simulated world, as one.
 *
 * Where pages are lost, what is read changes, and an answer may be on its way to
 * a client meanwhile. It says what was there before: nobody is shown it, as one
 * would take it for what is there now.
 */
import type { Observation } from "../../support/sim-observation.ts";
import { createAcknowledgedChecker } from "./acknowledged.ts";
import { losesPages } from "./checker.ts";
import type { Checker } from "./checker.ts";
import { createCommittedOffsetsChecker } from "./committed-offsets.ts";
import { createCompactedChecker } from "./compacted.ts";
import { createDenseOffsetsChecker } from "./dense-offsets.ts";
import { createLogStartChecker } from "./log-start.ts";
import { createLostTailChecker } from "./lost-tail.ts";
import { createNoDuplicatesChecker } from "./no-duplicates.ts";
import { createOwnershipChecker } from "./ownership.ts";
import { createProducerOrderChecker } from "./producer-order.ts";
import { createRebuiltIndexChecker } from "./rebuilt-index.ts";
import { createReplayChecker } from "./replay.ts";
import { createSettledRecordsChecker } from "./settled-records.ts";
import { createTopicsChecker } from "./topics.ts";
import { createTransactionsChecker } from "./transactions.ts";

export function createChecker(): Checker {
  const checkers = createCheckers();
  /** The last question that was asked before pages were lost. */
  let lostAfterCall = -1;
  return {
    see(observation: Observation): void {
      if (observation.kind === "read" && observation.call <= lostAfterCall)
        return;
      if (losesPages(observation)) lostAfterCall = observation.call;
      for (const checker of checkers) checker.see(observation);
    },
  };
}

function createCheckers(): readonly Checker[] {
  return [
    createAcknowledgedChecker(),
    createDenseOffsetsChecker(),
    // Before the order, which is broken too where a record comes twice.
    createNoDuplicatesChecker(),
    createProducerOrderChecker(),
    createCommittedOffsetsChecker(),
    createSettledRecordsChecker(),
    createOwnershipChecker(),
    createLostTailChecker(),
    createTopicsChecker(),
    createLogStartChecker(),
    createCompactedChecker(),
    createTransactionsChecker(),
    createReplayChecker(),
    createRebuiltIndexChecker(),
  ];
}
