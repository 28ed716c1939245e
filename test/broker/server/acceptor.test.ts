import { describe, expect, test } from "vitest";
import { connectionPair } from "../../../broker/platform/memory/loopback-connection.ts";
import { Acceptor } from "../../../broker/server/acceptor.ts";
import { ReceiveBudget } from "../../../broker/server/receive-budget.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const limits = {
  connectionsMax: 10,
  frameSizeBytesMax: 1_000,
  requestsInFlightMax: 10,
  queuedSizeBytesMax: 1_000,
};
const silent = { debug() {}, info() {}, warn() {}, error() {} };

describe("a connection that ends gives the budget back exactly what it took", () => {
  const cases = {
    "half a frame": [0, 0, 0, 100, 1, 2, 3],
    "a frame larger than allowed": [0, 1, 0, 0, 1, 2, 3],
    "a frame of negative size behind half of a good one": [
      0, 0, 0, 1, 9, 255, 255, 255, 255,
    ],
  };
  for (const [name, bytes] of Object.entries(cases)) {
    test(name, async () => {
      const clock = new ManualClock();
      const budget = new ReceiveBudget(1_000);
      const acceptor = new Acceptor(
        budget,
        () => ({
          session: {
            handle: () => ({ processed: null, answer: null }),
            close() {},
          },
          skipSizeBytes: 0,
        }),
        silent,
        limits,
      );
      const [ours, theirs] = connectionPair(clock);
      acceptor.accept(ours, "test");
      const { promise, resolve } = Promise.withResolvers<void>();
      theirs.start({ onData() {}, onDrain() {}, onClose: () => resolve() });
      await new Promise<void>((sent) => {
        theirs.write([Uint8Array.from(bytes)], sent);
      });
      theirs.destroy();
      await promise;
      await acceptor.close();
      expect(budget.usedSizeBytes).toBe(0);
    });
  }
});
