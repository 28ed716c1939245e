/** The broker of a bench: opens, tells its CPU time and memory, closes. */
import { openBroker, type Broker } from "../broker/index.ts";
import type { BenchBrokerOptions } from "./harness.ts";

type Question =
  | { readonly open: BenchBrokerOptions }
  | { readonly usage: true }
  | { readonly close: true };

let broker: Broker | null = null;

process.on("message", (question: Question) => {
  void answer(question);
});

async function answer(question: Question): Promise<void> {
  if ("open" in question) {
    const startMs = performance.now();
    broker = await openBroker({ ...question.open, listen: { port: 0 } });
    const openMs = performance.now() - startMs;
    process.send?.({ port: broker.addresses[0]?.port, openMs });
  } else if ("usage" in question) {
    const { user, system } = process.cpuUsage();
    process.send?.({
      cpuSeconds: (user + system) / 1e6,
      rssBytes: process.memoryUsage.rss(),
    });
  } else {
    await broker?.close();
    process.disconnect();
  }
}
