/** The suite over the compact protocol, within one process. */
import { openBroker } from "../../broker/index.ts";
import { connect } from "../../client/index.ts";
import { suite } from "./client-suite.ts";

suite({
  name: "compact, in this process",
  factory: async () => {
    const broker = await openBroker();
    return {
      open: () => connect({ broker }),
      close: () => broker.close(),
    };
  },
});
