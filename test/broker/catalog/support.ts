/** A started catalog on a fake log. */
import { expect } from "vitest";
import type { CatalogChange } from "../../../broker/catalog/catalog-machine.ts";
import { Catalog } from "../../../broker/catalog/catalog.ts";
import type { NewTopic } from "../../../broker/catalog/create-topics.ts";
import type { MachineOptions } from "../../../broker/machine/machine-runtime.ts";
import type { MachineResult } from "../../../broker/machine/machine.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { FakeLog, FakeSnapshots } from "../machine/fake-log.ts";

export interface CatalogRig {
  readonly catalog: Catalog;
  readonly log: FakeLog;
  readonly snapshots: FakeSnapshots;
  readonly changes: CatalogChange[];
}

/** No snapshot comes by itself, and what crashes fails the test. */
export const machineOptions: MachineOptions = {
  snapshotIntervalSizeBytes: 1e9,
  reloadDelayMs: 1_000,
  stateChanged: () => {},
  warn: () => {},
  crashed: (error) => {
    throw error;
  },
};

export async function startedCatalog(
  log = new FakeLog(),
  snapshots = new FakeSnapshots(),
): Promise<CatalogRig> {
  const changes: CatalogChange[] = [];
  const catalog = new Catalog(
    { log, snapshots, clock: new ManualClock(), random: new SeededRandom(7) },
    { nodeId: 1, defaultPartitionCount: 2, partitionCountMax: 100_000 },
    machineOptions,
  );
  await catalog.start();
  expect(catalog.state).toEqual({ phase: "ready" });
  catalog.onChange((change) => changes.push(change));
  return { catalog, log, snapshots, changes };
}

export function newTopic(
  name: string,
  given: Partial<NewTopic> = {},
): NewTopic {
  return {
    name,
    partitionCount: 1,
    replicationFactor: 1,
    assignments: [],
    configs: [],
    ...given,
  };
}

export async function answerOf<Answer>(
  result: Promise<MachineResult<Answer>>,
): Promise<Answer> {
  const outcome = await result;
  if (outcome.error !== null) throw new Error(outcome.error);
  return outcome.answer;
}

export function create(
  { catalog }: CatalogRig,
  topics: readonly NewTopic[],
  options: {
    readonly validateOnly?: boolean;
    readonly isInternal?: boolean;
  } = {},
) {
  return answerOf(
    catalog.createTopics({
      topics,
      validateOnly: options.validateOnly ?? false,
      isInternal: options.isInternal ?? false,
    }),
  );
}
