/**
 * Takes the indexes of a cleanly stopped directory away, in a copy of it, lets
 * a broker build them anew, and holds both against each other.
 */
import type { Observe } from "../support/sim-observation.ts";
import { Faults, noFaults } from "./faults.ts";
import { DIRECTORY, SimBroker } from "./sim-broker.ts";
import { SimNetwork } from "./sim-network.ts";
import type { SimStorage } from "./sim-storage.ts";
import type { World } from "./world.ts";

const indexName = /\.(index|timeindex)$/;
/** It is appended to by opening. */
const catalogName = /^__cluster_metadata/;
const CLEAN_SHUTDOWN = ".kafka_cleanshutdown";
/** Enough to open every partition in the background. */
const OPENING_MS = 10_000;

export async function compareRebuiltIndexes(world: World): Promise<void> {
  const { simulator } = world;
  // What retention or compaction take away is not to be compared.
  const settings = {
    ...world.settings,
    retentionCheckIntervalMs: OPENING_MS * 10,
    compactionCheckIntervalMs: OPENING_MS * 10,
  };
  const kept = world.storage.files(DIRECTORY);
  const storage = world.storage.clone();
  for (const path of kept.keys()) {
    if (indexName.test(path) || path === CLEAN_SHUTDOWN) remove(storage, path);
  }
  const faults = new Faults(simulator.fork(), noFaults);
  const network = new SimNetwork(faults);
  const broker = new SimBroker({
    simulator,
    storage,
    network,
    faults,
    settings,
    stopped: () => {},
    wrapDisk: (disk) => disk,
  });
  broker.start();
  await new Promise<void>((resolve) => {
    simulator.schedule(OPENING_MS, "index", "are rebuilt", resolve);
  });
  await broker.close();
  compare(kept, storage.files(DIRECTORY), (one) => world.observe(one));
}

function compare(
  kept: ReadonlyMap<string, Uint8Array>,
  rebuilt: ReadonlyMap<string, Uint8Array>,
  observe: Observe,
): void {
  for (const [path, bytes] of kept) {
    if (!indexName.test(path) || catalogName.test(path)) continue;
    // A group's members may have run out of time meanwhile, which is written down.
    const log = path.replace(indexName, ".log");
    if (kept.get(log)?.length !== rebuilt.get(log)?.length) continue;
    const other = rebuilt.get(path) ?? new Uint8Array();
    observe({ kind: "rebuilt-index", path, kept: bytes, rebuilt: other });
  }
}

function remove(storage: SimStorage, path: string): void {
  const { parent, name } = storage.placeOf(`${DIRECTORY}/${path}`);
  parent.change([name, null]);
}
