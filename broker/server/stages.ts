/**
 * The way of every request, over either protocol: an ordered list of stages
 * around the handler. A stage may look, wait, refuse by throwing, or go on.
 * Limits stand before the first stage (`ServedConnection`), the answer's bytes
 * behind the last. Authentication, quotas, traces and test faults become
 * stages; no handler knows of them. The list is composed in `broker.ts`.
 */
import type { RequestContext } from "../operation/context.ts";
import type { Handled } from "./protocol.ts";

export interface ServedRequest {
  readonly context: RequestContext;
  readonly protocol: "kafka" | "compact";
  /** The API's name in its protocol. */
  readonly api: string;
  readonly version: number;
  readonly sizeBytes: number;
}

export type Stage = (request: ServedRequest, next: () => Handled) => Handled;

export function throughStages(
  stages: readonly Stage[],
  request: ServedRequest,
  handle: () => Handled,
): Handled {
  let next = handle;
  for (const stage of stages.toReversed()) {
    const inner = next;
    next = () => stage(request, inner);
  }
  return next();
}
