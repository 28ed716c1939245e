/** How the broker runs its machines: the catalog, and the coordinators of groups. */
import type { MachineOptions } from "../machine/machine-runtime.ts";
import type { Logger } from "../options.ts";

const SNAPSHOT_INTERVAL_SIZE_BYTES = 16 * 1024 * 1024;
const RELOAD_DELAY_MS = 1_000;

/** `crashed`: what is in the machine's memory cannot be trusted any more. */
export function machineOptions(
  logger: Logger,
  machine: string,
  crashed: (error: unknown) => void,
): MachineOptions {
  return {
    snapshotIntervalSizeBytes: SNAPSHOT_INTERVAL_SIZE_BYTES,
    reloadDelayMs: RELOAD_DELAY_MS,
    stateChanged: (state) =>
      logger.debug({ machine, ...state }, "state machine"),
    warn: (detail) => logger.warn({ machine }, detail),
    crashed,
  };
}
