import { expect, test } from "vitest";
import { parseSettings, withinDescriptors } from "../../broker/options.ts";

test.each([
  // Descriptors, and what files and connections get of them.
  [null, 512, 10_000],
  [1_048_576, 512, 10_000],
  [2_048, 512, 1_504],
  [1_024, 512, 480],
  [256, 128, 96],
  [32, 16, 1],
])(
  "of %s descriptors files get %i and connections %i",
  (descriptorsMax, openFilesMax, connectionsMax) => {
    const settings = withinDescriptors(parseSettings({}), descriptorsMax);
    expect(settings).toMatchObject({ openFilesMax, connectionsMax });
  },
);

test("options that ask for less than there is are left as they are", () => {
  const settings = parseSettings({ openFilesMax: 20, connectionsMax: 30 });
  expect(withinDescriptors(settings, 256)).toEqual(settings);
});
