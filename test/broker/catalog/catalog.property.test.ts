/**
 * Any commands in any order: a catalog that is replayed, from the log or from a
 * snapshot, is the catalog that was; and its owner, who only hears of changes,
 * knows the same topics.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { CatalogChange } from "../../../broker/catalog/catalog-machine.ts";
import type { Catalog } from "../../../broker/catalog/catalog.ts";
import { newTopic, startedCatalog, type CatalogRig } from "./support.ts";

const name = fc.constantFrom("a", "b", "c.d", "c_d", "");
const count = fc.integer({ min: -1, max: 5 });
const config = fc.tuple(
  fc.constantFrom("retention.ms", "cleanup.policy", "nope"),
  fc.constantFrom("1", "compact", "delete", ""),
);

type Step = (catalog: Catalog) => Promise<unknown>;

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ name, count, configs: fc.array(config, { maxLength: 2 }) }).map(
    (given): Step =>
      (catalog) =>
        catalog.createTopics({
          topics: [
            newTopic(given.name, {
              partitionCount: given.count,
              configs: given.configs.map(([key, value]) => ({
                name: key,
                value,
              })),
            }),
          ],
          validateOnly: false,
          isInternal: false,
        }),
  ),
  name.map(
    (deleted): Step =>
      (catalog) =>
        catalog.deleteTopics([{ name: deleted, id: null }]),
  ),
  fc.record({ name, count }).map(
    (given): Step =>
      (catalog) =>
        catalog.createPartitions({
          topics: [
            {
              name: given.name,
              partitionCount: given.count,
              assignments: null,
            },
          ],
          validateOnly: false,
        }),
  ),
  fc
    .record({
      topic: name,
      config,
      operation: fc.constantFrom("set", "delete", "append", "subtract"),
    })
    .map(
      ({ topic, config: [key, value], operation }): Step =>
        (catalog) =>
          catalog.alterConfigs({
            topics: [
              {
                mode: "incremental",
                topic,
                steps: [{ name: key, value, operation }],
              },
            ],
            validateOnly: false,
          }),
    ),
  fc.constant<Step>((catalog) => catalog.allocateProducerIds()),
  fc.constant<Step>((catalog) => catalog.recordUncleanOpening()),
);

function stateOf(catalog: Catalog) {
  return catalog.topics().map((topic) => ({
    id: topic.id,
    name: topic.name,
    overrides: [...topic.overrides].sort(),
    epochs: Array.from({ length: topic.partitionCount }, (_, partition) =>
      catalog.leaderEpoch(topic, partition),
    ),
  }));
}

function ownersView(changes: readonly CatalogChange[]) {
  const counts = new Map<string, number>();
  for (const { kind, topic } of changes) {
    if (kind === "deleted") counts.delete(topic.id);
    else counts.set(topic.id, topic.partitionCount);
  }
  return counts;
}

function countsOf({ catalog }: CatalogRig) {
  return new Map(
    catalog.topics().map(({ id, partitionCount }) => [id, partitionCount]),
  );
}

test(
  "a replayed catalog is the catalog that was",
  { timeout: 30_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const rig = await startedCatalog();
        for (const take of steps) await take(rig.catalog);
        const before = stateOf(rig.catalog);
        expect(ownersView(rig.changes)).toEqual(countsOf(rig));

        const replayed = await startedCatalog(rig.log.reopened());
        expect(stateOf(replayed.catalog)).toEqual(before);

        await rig.catalog.close();
        const restored = await startedCatalog(
          rig.log.reopened(),
          rig.snapshots,
        );
        expect(stateOf(restored.catalog)).toEqual(before);
        expect(restored.log.readCount).toBe(0);
        expect(await restored.catalog.allocateProducerIds()).toEqual(
          await replayed.catalog.allocateProducerIds(),
        );
      }),
      { numRuns: 40 },
    );
  },
);
