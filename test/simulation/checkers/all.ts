/** Every checker of the simulated world. */
import { createAcknowledgedChecker } from "./acknowledged.ts";
import type { Checker } from "./checker.ts";
import { createCommittedOffsetsChecker } from "./committed-offsets.ts";
import { createDenseOffsetsChecker } from "./dense-offsets.ts";
import { createLostTailChecker } from "./lost-tail.ts";
import { createNoDuplicatesChecker } from "./no-duplicates.ts";
import { createOwnershipChecker } from "./ownership.ts";
import { createProducerOrderChecker } from "./producer-order.ts";
import { createRebuiltIndexChecker } from "./rebuilt-index.ts";
import { createReplayChecker } from "./replay.ts";
import { createSettledRecordsChecker } from "./settled-records.ts";
import { createTopicsChecker } from "./topics.ts";
import { createTransactionsChecker } from "./transactions.ts";

export function createCheckers(): readonly Checker[] {
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
    createTransactionsChecker(),
    createReplayChecker(),
    createRebuiltIndexChecker(),
  ];
}
