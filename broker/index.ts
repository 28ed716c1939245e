/**
 * The public face of `millrace`: a broker in this process.
 *
 *   await using broker = await openBroker({ dir: "./data" })
 */
import "../check-node.js";
import { MillraceBroker, startBroker } from "./broker.ts";
import { BrokerError } from "./errors.ts";
import type { OpenHttp } from "./http/open-http.ts";
import {
  type ListenOptions,
  type Logger,
  parseSettings,
  type Settings,
  withinDescriptors,
} from "./options.ts";
import { MemoryDisk } from "./platform/memory/memory-disk.ts";
import type { Connection } from "./platform/network.ts";
import { readDescriptorsMax } from "./platform/node/descriptors.ts";
import type { MmapIo } from "./platform/node/mmap/mmap-io.ts";
import { createNodePlatform } from "./platform/node/node-platform.ts";
import { tryListening } from "./server/listen.ts";

export { BrokerError, type BrokerErrorCode } from "./errors.ts";
export type { ListenOptions, Logger, Settings } from "./options.ts";

export interface BrokerOptions extends Partial<Settings> {
  /** Where the data lies. Without it everything is in memory and gone at the end. */
  readonly dir?: string;
  /** Default: nowhere; only this process can connect. */
  readonly listen?: ListenOptions;
  /** Default: nothing is logged. */
  readonly logger?: Logger;
  /** Health, metrics and read-only JSON on a port of its own; loads `fastify` when given. */
  readonly http?: { readonly port: number; readonly host?: string };
  /** For a new directory; one that exists keeps its own. Default: a random one. */
  readonly clusterId?: string;
  /** How segments are mapped: `koffi` (default), `plain` reads, or your own `mmap-io` module. */
  readonly mmap?: "koffi" | "plain" | MmapIo;
}

export interface Broker extends AsyncDisposable {
  readonly clusterId: string;
  readonly nodeId: number;
  /** Null in memory. */
  readonly dir: string | null;
  /** The first is the one to tell people; empty where the broker does not listen. */
  readonly addresses: readonly {
    readonly host: string;
    readonly port: number;
  }[];
  /** Null without `http`. */
  readonly httpPort: number | null;
  /** Resolves after `close`; rejects with `internal-failure` if the broker had to stop by itself. */
  readonly closed: Promise<void>;
  /** A connection from this process, for `connect({ broker })`. Throws `broker-closed`. */
  connect(): Connection;
  close(): Promise<void>;
}

/**
 * Opens a broker. Without options it is in memory, listens nowhere, and
 * installs no signal handler.
 *
 * Throws `BrokerError`: `invalid-option`, `directory-in-use`,
 * `directory-too-new`, `directory-unusable`, `listen-failed`.
 */
export async function openBroker(options: BrokerOptions = {}): Promise<Broker> {
  checkShape(options);
  const { dir, listen, http, logger, clusterId, mmap, ...rest } = options;
  const settings = withinDescriptors(parseSettings(rest), readDescriptorsMax());
  const platform = createNodePlatform({
    mmap: mmap ?? "koffi",
    mappedSizeBytesMax: settings.mappedSizeBytesMax,
  });
  // A directory that exists is asked first: that it is in use says more than a taken port.
  if (listen !== undefined && dir !== undefined) {
    const isNew = await platform.disk.list(dir).then(
      () => false,
      () => true,
    );
    if (isNew) await tryListening(platform.network, listen);
  }
  const disk = dir === undefined ? new MemoryDisk() : platform.disk;
  const broker = await startBroker({
    platform: { ...platform, disk },
    settings,
    directoryPath: dir ?? MEMORY_DIRECTORY,
    clusterId: clusterId ?? null,
    logger: logger ?? silent,
  });
  try {
    if (listen !== undefined) await broker.listen(listen);
    const opened =
      http === undefined
        ? null
        : await serveHttp(broker, http, logger ?? silent);
    return publicBroker(broker, dir ?? null, opened);
  } catch (error) {
    await broker.close();
    throw error;
  }
}

/** The mistakes that plain JavaScript makes easy, before they are taken for something else. */
function checkShape(options: unknown): void {
  if (typeof options !== "object" || options === null) {
    const detail = 'openBroker takes an object, such as { dir: "./data" }';
    throw new BrokerError("invalid-option", detail);
  }
  const dir = "dir" in options ? options.dir : undefined;
  if (dir !== undefined && (typeof dir !== "string" || dir === "")) {
    const detail = "openBroker: dir is a path, or left out for memory";
    throw new BrokerError("invalid-option", detail);
  }
}

const MEMORY_DIRECTORY = "/millrace";

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** Loaded here and not above: `fastify` takes longer to load than the broker to start. */
async function serveHttp(
  broker: MillraceBroker,
  address: { readonly port: number; readonly host?: string },
  logger: Logger,
): Promise<OpenHttp> {
  const { openHttp } = await import("./http/open-http.ts");
  return openHttp({
    operations: broker.operations,
    context: {
      principal: "User:ANONYMOUS",
      clientId: "http",
      listener: broker.addresses[0]?.name ?? "in-process",
      connectionId: 0,
    },
    logger,
    isReady: () => broker.isReady,
    ...address,
  });
}

function publicBroker(
  broker: MillraceBroker,
  dir: string | null,
  http: OpenHttp | null,
): Broker {
  const close = async (): Promise<void> => {
    await http?.close();
    await broker.close();
  };
  return {
    clusterId: broker.directory.meta.clusterId,
    nodeId: broker.directory.meta.nodeId,
    dir,
    addresses: broker.addresses.map(({ host, port }) => ({ host, port })),
    httpPort: http?.port ?? null,
    closed: broker.closed,
    connect: () => broker.connect(),
    close,
    [Symbol.asyncDispose]: close,
  };
}
