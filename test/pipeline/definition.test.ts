import { expect, test } from "vitest";
import { z } from "zod";
import { topic } from "../../client/index.ts";
import { pipeline } from "../../pipeline/index.ts";
import { out, source, textPipeline } from "../support/pipeline-harness.ts";

const Order = z.object({
  id: z.string(),
  type: z.enum(["paid", "refund", "test"]),
  amount: z.number(),
  userId: z.string(),
});
const orders = topic("orders", { value: Order });
const billing = topic("billing", {
  value: z.object({ orderId: z.string(), cents: z.number().int() }),
});
const audit = topic("audit", {
  value: z.object({ kind: z.string(), at: z.number() }),
});
const options = { group: "orders-distribute", from: "earliest" } as const;

test("the types follow a record from step to step", () => {
  const definition = pipeline("orders-distribute", orders, options, (s) =>
    s
      .filter((o) => o.type !== "test")
      .fanOut({
        billing: (b) =>
          b
            .filter((o) => o.type === "paid")
            .map((o) => ({
              orderId: o.id,
              cents: Math.round(o.amount * 100),
            }))
            .to(billing),
        audit: (b) =>
          b.map(async (o, r) => ({ kind: o.type, at: r.timestamp })).to(audit),
        byUser: (b) =>
          b
            .keyBy((o) => o.userId)
            .sink((o, r) => {
              const key: string = r.key;
              const amount: number = o.amount;
              void [key, amount];
            }),
      }),
  );
  expect(definition.name).toBe("orders-distribute");
});

test("a shape that the topic does not take does not compile", () => {
  pipeline("wrong-value", orders, options, (s) =>
    // @ts-expect-error cents is missing
    s.map((o) => ({ orderId: o.id })).to(billing),
  );
  pipeline("wrong-type", orders, options, (s) =>
    // @ts-expect-error cents is a number
    s.map((o) => ({ orderId: o.id, cents: "1" })).to(billing),
  );
  pipeline("wrong-key", orders, options, (s) =>
    s
      .keyBy(() => 7)
      .map((o) => ({ orderId: o.id, cents: 1 }))
      // @ts-expect-error the topic's keys are text
      .to(billing),
  );
  pipeline("wrong-field", orders, options, (s) =>
    // @ts-expect-error an order has no price
    s.filter((o) => o.price > 1).sink(() => {}),
  );
  expect(() =>
    // @ts-expect-error it leads nowhere
    pipeline("no-end", orders, options, (s) => s),
  ).toThrow(/no end/);
});

test("a type guard narrows what comes behind it", () => {
  pipeline("narrow", source, options, (s) =>
    s
      .filter((v): v is string => v !== null)
      .map((v) => v.length)
      .sink((length) => void length.toFixed()),
  );
});

test.each([
  ["a fan-out without branches", () => textPipeline((s) => s.fanOut({}))],
  [
    "a branch without a name",
    () => textPipeline((s) => s.fanOut({ "": (b) => b.to(out) })),
  ],
  [
    "a branch with a dot in its name",
    () => textPipeline((s) => s.fanOut({ "a.b": (b) => b.to(out) })),
  ],
  [
    "a pipeline without a source",
    () => pipeline("p", [], options, (s) => s.sink(() => {})),
  ],
  [
    "a group without a name",
    () => textPipeline((s) => s.to(out), { group: "" }),
  ],
  [
    "half a record in flight",
    () => textPipeline((s) => s.to(out), { inFlightPerPartitionMax: 0.5 }),
  ],
])("%s is refused before anything starts", (_, define) => {
  expect(define).toThrow(
    expect.objectContaining({ code: "invalid-definition" }),
  );
});

test("where a group begins is never guessed", () => {
  expect(() =>
    // @ts-expect-error `from` is missing
    pipeline("p", source, { group: "g" }, (s) => s.to(out)),
  ).toThrow(/from/);
});
