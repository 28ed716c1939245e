/** What a judge says of a broker that answers as it is told to. */
import { connectionPair } from "../../broker/platform/memory/loopback-connection.ts";
import type { Connection } from "../../broker/platform/network.ts";
import type { LogLine } from "../broker/server/kafka/support.ts";
import { ManualClock } from "../support/manual-clock.ts";

/** How the broker behaves besides what it answers. */
export interface Manner {
  readonly closes?: boolean;
  readonly lines?: readonly LogLine[];
}

/** `ask` sends what is answered, and gives the judge; what that throws is its verdict. */
export async function verdictOn(
  answers: readonly Uint8Array[],
  { closes = false, lines = [] }: Manner,
  ask: (client: Connection) => (lines: readonly LogLine[]) => void,
): Promise<string> {
  const clock = new ManualClock();
  const [broker, client] = connectionPair(clock);
  broker.start({ onData() {}, onDrain() {}, onClose() {} });
  const judge = ask(client);
  for (const answer of answers) broker.write([answer]);
  await clock.settle();
  if (closes) broker.destroy();
  await clock.settle();
  try {
    judge(lines);
    return "good";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
