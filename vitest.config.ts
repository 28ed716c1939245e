import { defineConfig } from "vitest/config";
import { SummaryReporter } from "./test/support/summary-reporter.ts";

/** Things whose tests must run here, such as `kcat,kafka`: see test/support/needs.ts. */
const required = (process.env["TEST_REQUIRE"] ?? "")
  .split(",")
  .map((thing) => thing.trim())
  .filter((thing) => thing !== "");

/**
 * Five projects: `unit` is what `npm test` runs (needs nothing but what
 * `npm ci` installed), `tidy` is what `npm run check` adds, `kafka` holds us
 * against a real Apache Kafka, `crash` kills real processes, `package` is
 * Millrace as npm would install it.
 */
export default defineConfig({
  test: {
    reporters: ["default", new SummaryReporter(required)],
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          // A property test takes a second or two; a machine with other work, ten times that.
          testTimeout: 30_000,
          exclude: ["test/tidy/**", "test/kafka/**", "test/package/**"],
        },
      },
      { test: { name: "tidy", include: ["test/tidy/**/*.test.ts"] } },
      {
        test: {
          name: "kafka",
          include: ["test/kafka/**/*.test.ts"],
          // A JVM takes seconds to start, and two at a time is what a small machine bears.
          testTimeout: 60_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "crash",
          include: ["test/crash/crash.test.ts"],
          env: { CRASH_CYCLES: process.env["CRASH_CYCLES"] ?? "300" },
        },
      },
      {
        test: {
          name: "package",
          include: ["test/package/**/*.test.ts"],
          // Builds, packs and installs from the registry.
          testTimeout: 120_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
