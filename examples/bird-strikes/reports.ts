/**
 * The feed: 10,000 reports of aircraft that met birds, 1990 to 2002, as the US
 * Federal Aviation Administration collected them (`vega-datasets` ships them),
 * and among them four records that are broken the way records of real feeds are.
 *
 * It is the same at every start, in the same order: that is what lets an
 * interrupted run go on with it.
 */
import { readFile } from "node:fs/promises";

export interface FeedRecord {
  readonly key: string;
  /** JSON, more or less; null is a tombstone. */
  readonly value: string | null;
}

/** Where the broken ones stand, and what is wrong with them. */
const broken = new Map<number, (json: string) => string | null>([
  // The connection broke in the middle of a record.
  [1_250, (json) => json.slice(0, json.length / 2)],
  // Somebody sends a number as a word.
  [3_750, (json) => json.replace(/"costUsd":\d+/, '"costUsd":"n/a"')],
  // Somebody forgets a field.
  [6_250, (json) => json.replace(/"species":"[^"]*",/, "")],
  // Somebody deletes a key of a topic that is no table.
  [8_750, () => null],
]);

/** Every report once, and a broken copy of a few of them before the next. */
export async function readFeed(): Promise<readonly FeedRecord[]> {
  const feed: FeedRecord[] = [];
  for (const [index, row] of (await readRows()).entries()) {
    const key = `BS-${String(index + 1).padStart(5, "0")}`;
    const value = JSON.stringify(reportOf(key, row));
    feed.push({ key, value });
    const damage = broken.get(index);
    if (damage !== undefined) {
      feed.push({ key: `${key}-broken`, value: damage(value) });
    }
  }
  return feed;
}

type Row = ReadonlyMap<string, string>;

function reportOf(id: string, row: Row) {
  const speed = row.get("Speed IAS in knots") ?? "";
  return {
    id,
    date: row.get("Flight Date"),
    airport: row.get("Airport Name"),
    state: row.get("Origin State"),
    operator: row.get("Aircraft Airline Operator"),
    aircraft: row.get("Aircraft Make Model"),
    phase: row.get("Phase of flight"),
    timeOfDay: row.get("Time of day"),
    species: row.get("Wildlife Species"),
    size: row.get("Wildlife Size"),
    damage: row.get("Effect Amount of damage"),
    costUsd: Number(row.get("Cost Total $")),
    speedKnots: speed === "" ? null : Number(speed),
  };
}

/** The file has no quoted fields: a comma is a comma. */
async function readRows(): Promise<readonly Row[]> {
  const module = import.meta.resolve("vega-datasets");
  const file = new URL("../data/birdstrikes.csv", module);
  const [header = "", ...lines] = (await readFile(file, "utf8"))
    .trim()
    .split(/\r?\n/);
  const names = header.split(",");
  return lines.map((line) => {
    const cells = line.split(",");
    return new Map(names.map((name, column) => [name, cells[column] ?? ""]));
  });
}
