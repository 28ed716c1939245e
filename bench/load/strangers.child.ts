/** The strangers of a bench: come, say how many are there, and leave. */
import { Crowd, strangers, type StrangersName } from "./strangers.ts";

type Order =
  | {
      readonly come: StrangersName;
      readonly count: number;
      readonly port: number;
    }
  | { readonly leave: true };

let crowd: Crowd | null = null;

process.on("message", (order: Order) => {
  void obey(order);
});

process.send?.({ present: 0 });

async function obey(order: Order): Promise<void> {
  if ("come" in order) {
    crowd = new Crowd(order.port);
    await strangers[order.come](crowd, order.count);
    process.send?.({ present: crowd.count });
  } else {
    crowd?.leave();
    process.send?.({ present: 0 });
    process.disconnect();
  }
}
