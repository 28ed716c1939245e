import { expect, test } from "vitest";
import { SeededRandom } from "../support/seeded-random.ts";
import { campaign, CAMPAIGN_TIMEOUT_MS } from "./campaign.ts";
import { checkDamaged } from "./directory-check.ts";
import { damage } from "./directory-mutations.ts";
import { writeDirectory } from "./written-directory.ts";

const CASES_PER_ROUND = 25;

test.each([true, false])(
  "a damaged directory (clean stop: %s) is refused or serves what was written, and whole partitions go on",
  { timeout: CAMPAIGN_TIMEOUT_MS },
  async (isClean) => {
    const written = await writeDirectory({ isClean });
    const whole = { image: written.image, paths: new Set<string>(), what: "" };
    expect(await checkDamaged(written, whole)).toBe("opened");
    const name = "data-directories";
    await campaign(name, { roundsCount: 2 }, async (seed) => {
      const random = new SeededRandom(seed);
      for (let index = 0; index < CASES_PER_ROUND; index += 1) {
        const damaged = damage(random, written.image);
        try {
          await checkDamaged(written, damaged);
        } catch (error) {
          const reason = error instanceof Error ? error.message : error;
          throw new Error(`case ${index}: ${damaged.what}: ${String(reason)}`, {
            cause: error,
          });
        }
      }
    });
  },
);
