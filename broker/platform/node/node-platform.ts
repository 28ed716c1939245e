/** The four capabilities on a real machine, put together. */
import type { Clock } from "../clock.ts";
import type { Disk } from "../disk.ts";
import type { Network } from "../network.ts";
import type { Random } from "../random.ts";
import { createKoffiMaps } from "./mmap/koffi.ts";
import type { MapProvider } from "./mmap/map.ts";
import { createMmapIoMaps } from "./mmap/mmap-io.ts";
import type { MmapIo } from "./mmap/mmap-io.ts";
import { plainMaps } from "./mmap/plain.ts";
import { NodeClock } from "./node-clock.ts";
import { NodeDisk } from "./node-disk.ts";
import { NodeNetwork } from "./node-network.ts";
import { NodeRandom } from "./node-random.ts";

export interface NodePlatformOptions {
  /**
   * How files are mapped: through koffi (which becomes `plain` by itself where
   * it is missing), not at all, or through the user's own `mmap-io`.
   */
  readonly mmap?: "koffi" | "plain" | MmapIo;
  /** Bytes of windows that are kept mapped for later; 0 maps nothing. */
  readonly mappedSizeBytesMax?: number;
}

export interface NodePlatform {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly network: Network;
  readonly random: Random;
}

export function createNodePlatform(
  options: NodePlatformOptions = {},
): NodePlatform {
  return {
    clock: new NodeClock(),
    disk: new NodeDisk(mapsFor(options), options.mappedSizeBytesMax),
    network: new NodeNetwork(),
    random: new NodeRandom(),
  };
}

function mapsFor({
  mmap = "koffi",
  mappedSizeBytesMax,
}: NodePlatformOptions): MapProvider {
  if (mappedSizeBytesMax === 0) return plainMaps;
  if (mmap === "koffi") return createKoffiMaps();
  if (mmap === "plain") return plainMaps;
  return createMmapIoMaps(mmap);
}
