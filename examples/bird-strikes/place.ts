/**
 * Where the example runs: on a broker in this process that keeps its data in a
 * folder, or on any Kafka (`KAFKA=host:port`). What comes after is the same.
 */
import { relative } from "node:path";
import { openBroker } from "../../broker/index.ts";
import { type Client, connect } from "../../client/index.ts";

export interface Place extends AsyncDisposable {
  readonly client: Client;
  /** For people: where it is. */
  readonly name: string;
  /** Null: not in a folder of ours. */
  readonly dir: string | null;
  readonly sessionTimeoutMs: number;
}

export async function openPlace(
  kafka: string | null,
  dir: string,
): Promise<Place> {
  if (kafka !== null) {
    const client = await connect({ brokers: [kafka] });
    return {
      client,
      name: `Kafka at ${kafka}`,
      dir: null,
      // The shortest that a Kafka allows by default.
      sessionTimeoutMs: 6_000,
      [Symbol.asyncDispose]: () => client.close(),
    };
  }
  // A member that was killed is missed after this time, and not after Kafka's 45 s.
  const sessionTimeoutMs = 2_000;
  const broker = await openBroker({
    dir,
    groupSessionTimeoutMsMin: sessionTimeoutMs,
  });
  const client = await connect({ broker });
  const shown = relative(process.cwd(), dir);
  return {
    client,
    name: "a broker in this process",
    dir: shown.startsWith("..") ? dir : shown,
    sessionTimeoutMs,
    async [Symbol.asyncDispose]() {
      await client.close();
      await broker.close();
    },
  };
}
