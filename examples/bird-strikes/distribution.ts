/** What is done with the reports: the topics, and the pipeline between them. */
import { z } from "zod";
import { topic } from "../../client/index.ts";
import { type Pipeline, pipeline } from "../../pipeline/index.ts";

export const partitionCount = 4;
export const group = "bird-strikes";

const Report = z.object({
  id: z.string(),
  date: z.string(),
  airport: z.string(),
  operator: z.string(),
  aircraft: z.string(),
  phase: z.string(),
  timeOfDay: z.string(),
  species: z.string(),
  size: z.enum(["Small", "Medium", "Large"]),
  damage: z.string(),
  costUsd: z.number(),
});
const Damage = z.object({
  id: z.string(),
  airport: z.string(),
  aircraft: z.string(),
  species: z.string(),
  severity: z.enum(["minor", "medium", "substantial"]),
  costUsd: z.number(),
});
const Sighting = z.object({
  date: z.string(),
  airport: z.string(),
  phase: z.string(),
});
const NightStrike = z.object({
  id: z.string(),
  airport: z.string(),
  operator: z.string(),
});

export const reports = topic("bird-strikes", { value: Report });
const damages = topic("bird-strikes-damage", { value: Damage });
const bySpecies = topic("bird-strikes-by-species", { value: Sighting });
const atNight = topic("bird-strikes-at-night", { value: NightStrike });

/** Branches by name, each with the topic it ends in. */
export const branchTopics: Readonly<Record<string, string>> = {
  damage: damages.name,
  "by-species": bySpecies.name,
  "at-night": atNight.name,
};
export const deadLetters = `${reports.name}-dlt`;

const severities: Readonly<Record<string, z.infer<typeof Damage>["severity"]>> =
  { Minor: "minor", Medium: "medium", Substantial: "substantial" };

/** `sessionTimeoutMs`: how long a run after a crash waits for the one that crashed. */
export function distribution(sessionTimeoutMs: number): Pipeline {
  return pipeline(
    "bird-strikes",
    reports,
    { group, from: "earliest", commitIntervalMs: 100, sessionTimeoutMs },
    (all) =>
      all
        // A sparrow is no danger to an airliner.
        .filter((report) => report.size !== "Small")
        .fanOut({
          damage: (branch) =>
            branch
              .filter((report) => report.damage !== "None")
              .map((report, _, ctx) => {
                const severity = severities[report.damage];
                // The data set has a few codes that nobody explains.
                if (severity === undefined) {
                  return ctx.deadLetter(`unknown damage "${report.damage}"`);
                }
                const { id, airport, aircraft, species, costUsd } = report;
                return { id, airport, aircraft, species, severity, costUsd };
              })
              .to(damages),
          // The same species always to the same partition, in order of arrival.
          "by-species": (branch) =>
            branch
              .filter((report) => !report.species.startsWith("Unknown"))
              .keyBy((report) => report.species)
              .map(({ date, airport, phase }) => ({ date, airport, phase }))
              .to(bySpecies),
          "at-night": (branch) =>
            branch
              .filter((report) => report.timeOfDay === "Night")
              .map(({ id, airport, operator }) => ({ id, airport, operator }))
              .to(atNight),
        }),
  );
}
