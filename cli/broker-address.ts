/**
 * Which broker a command is about, and by which protocol:
 *
 *   localhost:9092                        Millrace, or else Kafka
 *   millrace://localhost:9092             Millrace's own protocol
 *   kafka://one:9092,two:9092             Kafka's protocol, any broker that speaks it
 */
import { InvalidArgumentError } from "commander";
import { parseHostAndPort } from "./arguments.ts";

const PORT_DEFAULT = 9092;

export interface BrokerAddress {
  readonly protocol: "millrace" | "kafka" | "either";
  /** Each with its port; an IPv6 address in brackets. At least one. */
  readonly addresses: readonly string[];
}

/** Throws commander's `InvalidArgumentError`. */
export function parseBrokerAddress(text: string): BrokerAddress {
  const match = /^(?:(millrace|kafka):\/\/)?(.*?)\/?$/.exec(text);
  const addresses = (match?.[2] ?? "").split(",").map((one) => {
    const { host, port } = parseHostAndPort(one.trim());
    const name = host.includes(":") ? `[${host}]` : host;
    return `${name}:${port ?? PORT_DEFAULT}`;
  });
  // Several addresses are a cluster, and Millrace is one node.
  const isCluster = addresses.length > 1;
  if (match?.[1] === "millrace") {
    if (isCluster) throw new InvalidArgumentError("It names several brokers.");
    return { protocol: "millrace", addresses };
  }
  const isKafka = match?.[1] === "kafka" || isCluster;
  return { protocol: isKafka ? "kafka" : "either", addresses };
}
