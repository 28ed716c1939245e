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

async function openClient(address: BrokerAddress): Promise<Client> {
  const [first = ""] = address.addresses;
  if (address.protocol === "kafka") {
    return connect({ brokers: address.addresses });
  }
  const millrace = await connect({ url: `millrace://${first}` });
  if (address.protocol === "millrace") return millrace;
  try {
    // Says hello, so that we know whom we talk to before anything is sent.
    await millrace.admin.describeCluster();
    return millrace;
  } catch (error) {
    await millrace.close();
    if (isNobodyThere(error)) throw error;
    return openKafka(address, error);
  }
}

/** What answered is no Millrace. If it is no Kafka either, the first error tells more. */
async function openKafka(
  { addresses }: BrokerAddress,
  millraceError: unknown,
): Promise<Client> {
  const kafka = await connect({ brokers: addresses });
  try {
    await kafka.admin.describeCluster();
    return kafka;
  } catch (error) {
    await kafka.close();
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
