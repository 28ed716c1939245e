import { expect, test } from "vitest";
import { batchOf, fetch, produce, TestBroker, valuesIn } from "./support.ts";

test("what is produced is fetched", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("orders");
  const connection = await host.connect();
  const produced = await produce(connection, "orders", batchOf(["a", "b"]));
  expect(produced).toMatchObject({ errorCode: 0, baseOffset: 0 });
  const fetched = await fetch(connection, "orders", 0);
  expect(valuesIn(fetched.records)).toEqual(["a", "b"]);
});
