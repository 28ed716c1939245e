/**
 * Makes the golden directories of a release, once, before it is published:
 *
 *   node test/golden/make.ts 0.1
 *
 * They are never made again: every later build must open them as they are.
 */
import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { format } from "prettier";
import { diskOf, firstMs, GoldenBroker, writeTree } from "./golden-broker.ts";
import { listingOf } from "./listing.ts";
import { writeHistory } from "./write-history.ts";

const [release] = process.argv.slice(2);
if (release === undefined) throw new Error("which release?");
const history = await writeHistory();
for (const [name, tree] of Object.entries(history)) {
  const folder = path.join(import.meta.dirname, release, name);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeTree(path.join(folder, "directory"), tree);
  const opened = await GoldenBroker.open(
    await diskOf(tree),
    9,
    firstMs + 2_000_000,
  );
  const listing = await listingOf(opened.connection);
  await opened.close();
  const text = await format(JSON.stringify(listing), { parser: "json" });
  await writeFile(path.join(folder, "listing.json"), text);
}
