/** The suite over the compact protocol, over TCP. */
import { openBroker } from "../../broker/index.ts";
import { connect } from "../../client/index.ts";
import { suite } from "./client-suite.ts";

suite({
  name: "compact, over TCP",
  factory: async () => {
    const broker = await openBroker({ listen: { port: 0, host: "127.0.0.1" } });
    const port = broker.addresses[0]?.port ?? 0;
    return {
      open: () => connect({ url: `millrace://127.0.0.1:${port}` }),
      close: () => broker.close(),
    };
  },
});
