/**
 * Who may import whom.
 *
 * THINK HARD ABOUT THE LAYERING OF THE PROJECT BEFORE CHANGING THIS FILE. A
 * line added here is cheap today and takes a rewrite to take back: each one
 * that is missing is missing for a reason. `storage` cannot see `wire`, so a
 * batch arrives as bytes and leaves as bytes; `group` cannot see `transaction`,
 * so neither grows into the other; `server` cannot see `storage`, so no handler
 * can touch a file.
 *
 * Each row names a folder (ending in `/`) or a single file, and *all* that it
 * may import besides its own row. The row with the longest matching path is a
 * file's row. Every kind of import counts, those of types too.
 */

export interface Layer {
  /** A folder, ending in `/`, or one file; seen from the repository's root. */
  readonly path: string;
  /** Paths of other rows, or single files of theirs; `broker/*` is all below `broker/`, `*` is anything. */
  readonly mayImport: readonly string[];
  /** Packages by name; `@fastify/*` is a whole scope, `node:*` every module of Node. */
  readonly packages: readonly string[];
  /** May read time, randomness and environment, and write to the console. */
  readonly isAmbient?: true;
}

/** Imported by all of `broker` above `lib` and the platform's interfaces. */
const brokerWide = ["broker/errors.ts", "broker/options.ts"];
const base = ["broker/lib/", "broker/platform/", ...brokerWide];
const persisted = [
  "broker/wire/schema.ts",
  "broker/wire/compile.ts",
  "broker/wire/reader.ts",
  "broker/wire/writer.ts",
];
const publicEntries = [
  "broker/index.ts",
  "client/index.ts",
  "pipeline/index.ts",
];

/** What a coordinator may import; none sees its siblings. */
const coordinator = [
  "broker/machine/",
  "broker/record/",
  ...persisted,
  ...base,
];

export const layers: readonly Layer[] = [
  // The composition root: the only files that may see everything below them.
  { path: "broker/index.ts", mayImport: ["broker/*"], packages: [] },
  { path: "broker/broker.ts", mayImport: ["broker/*"], packages: [] },
  { path: "broker/errors.ts", mayImport: ["broker/lib/"], packages: [] },
  {
    path: "broker/options.ts",
    mayImport: ["broker/errors.ts", "broker/lib/"],
    packages: [],
  },

  {
    path: "broker/http/",
    mayImport: ["broker/operation/", ...base],
    packages: ["fastify", "@fastify/*", "prom-client"],
  },
  {
    path: "broker/server/",
    mayImport: ["broker/operation/", "broker/wire/", ...base],
    packages: [],
  },
  {
    path: "broker/operation/",
    mayImport: [
      "broker/catalog/",
      "broker/group/",
      "broker/transaction/",
      // The results of commands; the runtime itself is handed in.
      "broker/machine/",
      "broker/storage/",
      "broker/record/",
      ...base,
    ],
    packages: [],
  },
  { path: "broker/catalog/", mayImport: coordinator, packages: [] },
  { path: "broker/group/", mayImport: coordinator, packages: [] },
  { path: "broker/transaction/", mayImport: coordinator, packages: [] },
  {
    // The machine's log is handed to it: it declares what it needs of one.
    path: "broker/machine/",
    mayImport: ["broker/record/", ...base],
    packages: [],
  },
  {
    path: "broker/storage/",
    mayImport: ["broker/record/", ...base],
    packages: ["lru-cache"],
  },
  {
    path: "broker/record/",
    mayImport: ["broker/lib/", ...brokerWide],
    packages: [],
  },
  {
    path: "broker/wire/",
    mayImport: ["broker/lib/", ...brokerWide],
    packages: ["@msgpack/msgpack"],
  },
  {
    path: "broker/platform/node/",
    mayImport: ["broker/platform/", "broker/lib/", ...brokerWide],
    packages: ["node:*", "koffi", "lru-cache"],
    isAmbient: true,
  },
  {
    path: "broker/platform/memory/",
    mayImport: ["broker/platform/", "broker/lib/", ...brokerWide],
    packages: [],
  },
  // The interfaces. They may name the shape of bytes on their way out
  // (lib/payload.ts), as both a file and a connection speak of it.
  { path: "broker/platform/", mayImport: ["broker/lib/"], packages: [] },
  { path: "broker/lib/", mayImport: [], packages: [] },
  {
    // Works on a stopped directory, so it needs no server; and of machines only
    // how their batches and snapshots are read.
    path: "broker/inspect/",
    mayImport: [
      "broker/catalog/",
      "broker/group/",
      "broker/transaction/",
      "broker/machine/machine-batch.ts",
      "broker/machine/snapshot-file.ts",
      "broker/storage/",
      "broker/record/",
      ...base,
    ],
    packages: [],
  },

  {
    // What the command line calls: here the tools get the real disk.
    path: "broker/inspect/index.ts",
    mayImport: ["broker/inspect/", "broker/platform/node/", ...base],
    packages: [],
  },

  {
    path: "client/",
    mayImport: [
      "client/drivers/kafka/",
      "broker/wire/",
      "broker/record/",
      "broker/lib/",
      "broker/platform/",
      "broker/platform/node/",
      "broker/platform/memory/",
      // What a name may be is Kafka's rule, and the same on both sides.
      "broker/catalog/topic-name.ts",
    ],
    packages: ["@standard-schema/spec"],
  },
  {
    path: "client/drivers/kafka/",
    mayImport: [
      "client/",
      "broker/wire/",
      "broker/record/",
      "broker/lib/",
      "broker/platform/",
      "broker/platform/node/",
    ],
    packages: ["@platformatic/kafka", "@standard-schema/spec"],
  },
  {
    path: "pipeline/",
    mayImport: ["client/index.ts"],
    packages: ["lru-cache"],
  },
  {
    path: "cli/",
    mayImport: [...publicEntries, "broker/inspect/index.ts"],
    // `millrace` is itself: its package.json has the version, in the tree and installed.
    packages: ["commander", "pino", "pino-pretty", "millrace", "node:*"],
    isAmbient: true,
  },
  {
    path: "examples/",
    mayImport: publicEntries,
    // zod as a user would take it: any Standard Schema does.
    packages: ["vega-datasets", "zod", "node:*"],
    isAmbient: true,
  },
  {
    path: "bench/",
    mayImport: [
      ...publicEntries,
      "bench/micro/",
      "bench/zero-copy/",
      "broker/wire/",
      "broker/record/",
    ],
    packages: ["kafkajs", "@platformatic/kafka", "node:*"],
    isAmbient: true,
  },
  {
    path: "bench/micro/",
    mayImport: ["*"],
    packages: ["*", "node:*"],
    isAmbient: true,
  },
  {
    path: "bench/zero-copy/",
    mayImport: ["*"],
    packages: ["*", "node:*"],
    isAmbient: true,
  },
  { path: "check-node.js", mayImport: [], packages: [], isAmbient: true },
  {
    path: "vitest.config.ts",
    mayImport: ["test/"],
    packages: ["vitest", "node:*"],
    isAmbient: true,
  },
  {
    path: "rolldown.config.ts",
    mayImport: [],
    packages: ["rolldown", "node:*"],
    isAmbient: true,
  },
  {
    path: "test/",
    mayImport: ["*"],
    packages: ["*", "node:*"],
    isAmbient: true,
  },
];

/** Packages that one file of a row may import besides, each with its reason. */
export const exceptions: readonly {
  readonly path: string;
  readonly packages: readonly string[];
  readonly why: string;
}[] = [
  {
    path: "broker/record/compression.ts",
    packages: ["node:zlib", "snappy", "lz4-napi", "node:module"],
    why: "the codecs; only their synchronous calls (see `synchronousOnly`), and `createRequire` to load them at first use",
  },
  {
    path: "broker/lib/crc32c.ts",
    packages: ["crc-32", "@node-rs/crc32", "node:module"],
    why: "one of the two packages is optional, and only `createRequire` can ask for it synchronously",
  },
];

/**
 * Modules of Node that every row may import: they only compute, so a simulated
 * world sees the same of them as the real one.
 */
export const pureNodeModules: readonly string[] = [
  "node:assert",
  "node:buffer",
  "node:diagnostics_channel",
  "node:events",
  "node:path",
  "node:util",
];

/** Outside ambient rows, only calls of these that end in `Sync`: a thread pool answers in no fixed order. */
export const synchronousOnly: readonly string[] = [
  "node:zlib",
  "snappy",
  "lz4-napi",
];

/** Slow to load or rarely wanted: whatever an entry point loads at once must not load these. */
export const lazyPackages: readonly string[] = [
  "@platformatic/kafka",
  "fastify",
  "@fastify/*",
  "prom-client",
  "koffi",
];

/** What a user imports or starts: these import check-node.js first and do not await at their top level. */
export const entryPoints: readonly string[] = [
  ...publicEntries,
  "cli/main.ts",
  "examples/bird-strikes.ts",
  "bench/main.ts",
];

/**
 * Shipped, though no entry point leads here: the in-memory world that a broker
 * is run in by tests and simulations, which a real one never is.
 */
export const simulatedWorld: readonly string[] = [
  "broker/platform/memory/loopback-network.ts",
];

/** Shipped, and started by their path. */
export const threads: readonly string[] = [
  "broker/platform/node/frame-check.thread.ts",
];

/** Folders that are published: only `dependencies` of package.json may be imported there. */
export const shippedFolders: readonly string[] = [
  "broker/",
  "client/",
  "pipeline/",
  "cli/",
];

/** Files that are started rather than imported, besides the entry points. */
export const startedFiles: readonly RegExp[] = [
  /^check-node\.js$/,
  /^(vitest|rolldown)\.config\.ts$/,
  /^test\/.*\.test\.ts$/,
  // What a user writes, run in the folder where the package is installed.
  /^test\/package\/embed\.mjs$/,
  // Children that a test starts, and scripts that write what is checked in.
  /^test\/.*\.child\.ts$/,
  /^bench\/.*\.child\.ts$/,
  /^test\/reference\/.*\.ts$/,
  /^test\/golden\/make\.ts$/,
  /^test\/simulation\/main\.ts$/,
  /^bench\/(micro|zero-copy)\/[^/]+\.ts$/,
];

/** Where `!` is allowed: they index bytes whose bounds they have just checked. */
export const nonNullFiles: readonly string[] = [
  "broker/lib/bytes.ts",
  "broker/wire/reader.ts",
  "broker/record/batch.ts",
];

/** Kafka messages that have no handler yet, each with its reason. */
export const messagesWithoutHandler: Readonly<Record<string, string>> = {};

/**
 * The least a run must have seen, so that a mistake in the search cannot turn
 * the whole test green. Raise them as the tree grows.
 */
export const seenAtLeast = { files: 90, imports: 300, handlers: 5 } as const;
