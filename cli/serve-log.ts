/**
 * The log of `serve`, on standard output: readable on a terminal, one JSON
 * object a line elsewhere.
 */
import { pino, type Logger } from "pino";

export const logLevels = ["debug", "info", "warn", "error", "silent"] as const;
export const logFormats = ["auto", "pretty", "json"] as const;

export interface LogOptions {
  readonly level: (typeof logLevels)[number];
  readonly format: (typeof logFormats)[number];
}

export async function createLog({
  level,
  format,
}: LogOptions): Promise<Logger> {
  const isPretty =
    format === "pretty" || (format === "auto" && process.stdout.isTTY);
  const base = { pid: process.pid };
  if (!isPretty) return pino({ level, base });
  const { default: pretty } = await import("pino-pretty");
  const stream = pretty({
    sync: true,
    // What the line at the start says in words already is only for programs.
    ignore: "pid,addresses,dir,clusterId,nodeId,httpPort",
    translateTime: "HH:MM:ss.l",
  });
  return pino({ level, base }, stream);
}
