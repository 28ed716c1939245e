/** The suite over Kafka's protocol, against our own broker. */
import { openBroker } from "../../broker/index.ts";
import { connect } from "../../client/index.ts";
import { suite } from "./client-suite.ts";

suite({
  name: "Kafka's protocol, against Millrace",
  factory: async () => {
    const broker = await openBroker({ listen: { port: 0, host: "127.0.0.1" } });
    const port = broker.addresses[0]?.port ?? 0;
    return {
      open: () => connect({ brokers: [`127.0.0.1:${port}`] }),
      close: () => broker.close(),
    };
  },
});
