/** What every client must do, done by ours against a real Kafka that is started for it. */
import { describe } from "vitest";
import { connect } from "../../client/index.ts";
import { suite } from "../conformance/client-suite.ts";
import { needs } from "../support/needs.ts";
import { startKafka } from "./kafka-broker.ts";

describe("the conformance suite", needs("kafka").options, () => {
  suite({
    name: "Kafka's protocol, against Kafka",
    factory: async () => {
      const kafka = await startKafka();
      const brokers = [`${kafka.host}:${kafka.port}`];
      return { open: () => connect({ brokers }), close: () => kafka.remove() };
    },
  });
});
