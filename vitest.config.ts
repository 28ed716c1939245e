import { defineConfig } from "vitest/config";

/**
 * Two projects: `unit` is what `npm test` runs (needs nothing but what
 * `npm ci` installed), `tidy` is what `npm run check` adds.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/tidy/**", "test/kafka/**"],
        },
      },
      { test: { name: "tidy", include: ["test/tidy/**/*.test.ts"] } },
      { test: { name: "kafka", include: ["test/kafka/**/*.test.ts"] } },
    ],
  },
});
