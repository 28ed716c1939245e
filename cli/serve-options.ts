/** What `millrace serve` is told, as it comes from the command line. */
import type { HostAndPort } from "./arguments.ts";
import type { LogOptions } from "./serve-log.ts";

export const STANDARD_DIR = "./millrace-data";

export interface ServeOptions {
  readonly port: number;
  readonly host?: string;
  readonly advertise?: HostAndPort;
  /** Default: `STANDARD_DIR`, unless all is kept in memory. */
  readonly dir?: string;
  readonly memory?: boolean;
  readonly http?: number;
  readonly httpHost: string;
  readonly partitions?: number;
  readonly autoCreate: boolean;
  readonly acksAll?: "disk" | "page-cache";
  readonly transfer?: "mapped" | "stream" | "plain";
  readonly adopt?: boolean;
  readonly set?: Readonly<Record<string, string>>;
  readonly logLevel: LogOptions["level"];
  readonly logFormat: LogOptions["format"];
}
