/**
 * Whether the broker at the other end is still there. Whoever is pushed to asks
 * for nothing, and a peer that vanished without a word is as silent as one that
 * has nothing to send: after some silence it is asked, and one that does not
 * answer within the time of any request has lost the connection.
 */
import type { Clock } from "../../../broker/platform/clock.ts";
import { ClientError } from "../../errors.ts";
import type { CompactConnection } from "./compact-connection.ts";

const SILENCE_MS_MAX = 10_000;

/** Until the connection is closed, which this may bring about. */
export function watchLiveness(
  connection: CompactConnection,
  clock: Clock,
): void {
  let cancel = (): void => {};
  const look = (): void => {
    const silenceMs = clock.monotonic() - connection.receivedAtMs;
    if (silenceMs < SILENCE_MS_MAX) return lookIn(SILENCE_MS_MAX - silenceMs);
    // The smallest question there is: about no topic at all.
    connection.request("metadata", { topics: [], mayCreate: false }).then(
      () => lookIn(SILENCE_MS_MAX),
      (error: unknown) => {
        // It is closed then, and whoever reads from it sees that.
        if (!(error instanceof ClientError)) throw error;
      },
    );
  };
  const lookIn = (delayMs: number): void => {
    if (connection.isOpen) cancel = clock.schedule(delayMs, look);
  };
  lookIn(SILENCE_MS_MAX);
  void connection.closed.then(() => cancel());
}
