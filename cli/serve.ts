/**
 * `millrace serve`: a broker as a process of its own, until it is told to stop.
 *
 * The first SIGINT or SIGTERM closes it cleanly, a second ends it at once. Only
 * here a bug that stops the broker ends the process too.
 */
import { resolve } from "node:path";
import type { Logger } from "pino";
import {
  type Broker,
  type BrokerOptions,
  openBroker,
} from "../broker/index.ts";
import type { HostAndPort } from "./arguments.ts";
import { usageFailure } from "./failure.ts";
import { createLog } from "./serve-log.ts";
import { type ServeOptions, STANDARD_DIR } from "./serve-options.ts";
import { stopSignal } from "./stop-signal.ts";

export async function serve(options: ServeOptions): Promise<void> {
  if (options.memory && options.dir !== undefined) {
    throw usageFailure("--memory and --dir do not go together");
  }
  const stopping = stopSignal();
  const log = await createLog({
    level: options.logLevel,
    format: options.logFormat,
  });
  const broker = await openBroker({ ...brokerOptions(options), logger: log });
  try {
    announce(broker, log);
    await stopOrFailure(broker, stopping);
    log.info("stopping; once more to stop at once");
  } finally {
    await broker.close();
  }
  log.info("stopped");
}

function brokerOptions(options: ServeOptions): BrokerOptions {
  const { host, port, advertise, http } = options;
  return {
    ...settingsOf(options.set ?? {}),
    ...(options.memory ? {} : { dir: resolve(options.dir ?? STANDARD_DIR) }),
    listen: {
      port,
      ...(host === undefined ? {} : { host }),
      ...(advertise === undefined ? {} : { advertise: addressOf(advertise) }),
    },
    ...(http === undefined
      ? {}
      : { http: { port: http, host: options.httpHost } }),
    ...(options.partitions === undefined
      ? {}
      : { defaultPartitionCount: options.partitions }),
    ...(options.autoCreate ? {} : { autoCreateTopics: false }),
    ...(options.acksAll === undefined ? {} : { acksAll: options.acksAll }),
    ...(options.transfer === undefined ? {} : { transfer: options.transfer }),
    ...(options.adopt ? { adoptDirectories: true } : {}),
  };
}

function addressOf({ host, port }: HostAndPort) {
  return port === null ? { host } : { host, port };
}

/** The broker knows its options' names and limits; here only their types are guessed. */
function settingsOf(set: Readonly<Record<string, string>>): BrokerOptions {
  const taken = ["dir", "listen", "http", "logger", "mmap"];
  return Object.fromEntries(
    Object.entries(set).map(([name, text]) => {
      if (taken.includes(name)) {
        throw usageFailure(`--set ${name} is not a setting`);
      }
      if (/^-?\d+$/.test(text)) return [name, Number(text)];
      if (text === "true" || text === "false") return [name, text === "true"];
      return [name, text];
    }),
  );
}

function announce(broker: Broker, log: Logger): void {
  const addresses = broker.addresses.map(({ host, port }) =>
    host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`,
  );
  const where = broker.dir ?? "memory, gone when this stops";
  const http =
    broker.httpPort === null ? "" : `; HTTP on port ${broker.httpPort}`;
  log.info(
    {
      addresses,
      dir: broker.dir,
      clusterId: broker.clusterId,
      nodeId: broker.nodeId,
      httpPort: broker.httpPort,
    },
    `listening on ${addresses.join(" and ")}${http}; data in ${where}`,
  );
}

/** Rejects when the broker stops by itself. */
async function stopOrFailure(
  broker: Broker,
  stopping: AbortSignal,
): Promise<void> {
  await Promise.race([
    broker.closed,
    new Promise<void>((resolve) => {
      if (stopping.aborted) resolve();
      stopping.addEventListener("abort", () => resolve(), { once: true });
    }),
  ]);
}
