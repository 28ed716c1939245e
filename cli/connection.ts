/**
 * The way to a broker, for the length of one command. The command line knows no
 * protocol: it has a client, and the same commands work on Millrace and Kafka.
 */
import { type Client, ClientError, connect } from "../client/index.ts";
import type { BrokerAddress } from "./broker-address.ts";

/** Of the operating system: nobody listens there, so no other protocol will help. */
const unreachableCodes: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
]);

export async function withClient<T>(
  address: BrokerAddress,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = await openClient(address);
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

/** `connect` has had an answer when it resolves: we know then whom we talk to. */
async function openClient(address: BrokerAddress): Promise<Client> {
  const { protocol, addresses } = address;
  if (protocol === "kafka") return connect({ brokers: addresses });
  try {
    return await connect({ url: `millrace://${addresses[0] ?? ""}` });
  } catch (error) {
    if (protocol === "millrace" || isNobodyThere(error)) throw error;
    return openKafka(address, error);
  }
}

/** What answered is no Millrace. If it is no Kafka either, the first error tells more. */
async function openKafka(
  { addresses }: BrokerAddress,
  millraceError: unknown,
): Promise<Client> {
  try {
    return await connect({ brokers: addresses });
  } catch (error) {
    throw error instanceof ClientError ? millraceError : error;
  }
}

function isNobodyThere(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ("code" in cause && unreachableCodes.has(String(cause.code))) {
      return true;
    }
  }
  return false;
}
