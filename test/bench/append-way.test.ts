import { expect, it } from "vitest";
import { appendWayBench } from "../../bench/micro/append-way.ts";

it("writes every byte once, whichever way it goes", async () => {
  const run = {
    partitionCount: 3,
    batchSizeBytes: 100,
    batchesPerTurn: 2,
    turnCount: 5,
  };
  for (const way of ["sync", "async", "async-2", "async-1"] as const) {
    for (const isClosedLoop of [true, false]) {
      const figures = await appendWayBench({ ...run, isClosedLoop }, way);
      expect(figures.sizeBytes).toBe(3_000);
    }
  }
});
