// What a user writes first: a broker in the same process, one record in, one out.
import { openBroker } from "millrace";
import { connect, topic } from "millrace/client";

const greetings = topic("greetings", { format: "text" });

const broker = await openBroker({ dir: "./embedded" });
const client = await connect({ broker });
await client.send(greetings, { key: "a", value: "hello" });
for await (const record of client.messages(greetings, {
  group: "readers",
  from: "earliest",
})) {
  console.log(`${record.key}: ${record.value} at ${record.offset}`);
  record.ack();
  break;
}
await client.close();
await broker.close();
