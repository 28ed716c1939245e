import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decodeRecords } from "../../../../client/core/records.ts";
import { fetcherOptions, openWorld, produce, type World } from "./support.ts";

const PARTITION_COUNT = 3;

let world: World;
let topicCount = 0;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const step = fc.record({
  partition: fc.integer({ min: 0, max: PARTITION_COUNT - 1 }),
  count: fc.integer({ min: 1, max: 5 }),
  valueSize: fc.integer({ min: 0, max: 300 }),
  /** Which partitions are read from here on, a bit each. */
  reading: fc.integer({ min: 0, max: 2 ** PARTITION_COUNT - 1 }),
});

test("whatever is appended, paused and granted, every record comes once and in order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 1, max: 2_000 }),
      fc.integer({ min: 1, max: 2_000 }),
      async (steps, partitionSizeBytesMax, bufferedSizeBytesMax) => {
        topicCount += 1;
        const topic = `t${topicCount}`;
        const { admin } = world.driver;
        const partitionCount = PARTITION_COUNT;
        await admin.createTopic({ name: topic, partitionCount });
        const sizes = { partitionSizeBytesMax, bufferedSizeBytesMax };
        const fetcher = world.driver.openFetcher({
          ...fetcherOptions,
          ...sizes,
        });
        const ends = new Array<number>(PARTITION_COUNT).fill(0);
        const read = new Array<number>(PARTITION_COUNT).fill(0);
        const assign = (reading: number): void =>
          fetcher.assign(
            read.flatMap((offset, partition) =>
              (reading & (1 << partition)) === 0
                ? []
                : { topic, partition, offset },
            ),
          );
        const takeOnce = async (): Promise<void> => {
          for (const item of (await fetcher.next()) ?? []) {
            expect(item.error).toBeNull();
            const { records, nextOffset } = decodeRecords(item, item);
            for (const { offset } of records) {
              expect(offset).toBe(read[item.partition]);
              read[item.partition] = offset + 1;
            }
            expect(nextOffset).toBe(read[item.partition]);
          }
        };
        for (const { partition, count, valueSize, reading } of steps) {
          assign(reading);
          const values = new Array<string>(count).fill("x".repeat(valueSize));
          const baseOffset = await produce(
            world.driver,
            topic,
            partition,
            ...values,
          );
          ends[partition] = baseOffset + count;
          const isReading = (reading & (1 << partition)) !== 0;
          if (isReading && (read[partition] ?? 0) < baseOffset + count) {
            await takeOnce();
          }
        }
        assign(2 ** PARTITION_COUNT - 1);
        while (read.some((offset, partition) => offset !== ends[partition])) {
          await takeOnce();
        }
        await fetcher.close();
      },
    ),
    { numRuns: 60 },
  );
});
