/** The suite against an Apache Kafka that is there: `KAFKA_BROKERS=host:port,...`. */
import { connect } from "../../client/index.ts";
import { suite } from "./client-suite.ts";

const brokers = (process.env["KAFKA_BROKERS"] ?? "")
  .split(",")
  .filter((broker) => broker !== "");

suite({
  name: "Kafka's protocol, against Kafka",
  skip: brokers.length === 0 ? "KAFKA_BROKERS is not set" : null,
  factory: async () => ({
    open: () => connect({ brokers }),
    close: async () => {},
  }),
});
