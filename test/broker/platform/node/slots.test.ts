import { expect, test } from "vitest";
import { Slots } from "../../../../broker/platform/node/slots.ts";

/** An action that ends when told to, and notes that it began. */
function controlled(begun: string[], name: string) {
  const { promise, resolve, reject } = withResolvers();
  const action = (): Promise<void> => {
    begun.push(name);
    return promise;
  };
  return { action, end: resolve, fail: reject };
}

function withResolvers() {
  let resolve: () => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

test("lets only so many run, and the others in order, also after failures", async () => {
  const slots = new Slots(2);
  const begun: string[] = [];
  const [a, b, c, d] = ["a", "b", "c", "d"].map((name) =>
    controlled(begun, name),
  );
  if (!a || !b || !c || !d) throw new Error("four actions");
  const runs = [a, b, c, d].map(({ action }) => slots.run(action));
  expect(begun).toEqual(["a", "b"]);
  b.fail(new Error("disk"));
  await expect(runs[1]).rejects.toThrow("disk");
  expect(begun).toEqual(["a", "b", "c"]);
  a.end();
  await runs[0];
  await Promise.resolve();
  expect(begun).toEqual(["a", "b", "c", "d"]);
  c.end();
  d.end();
  await Promise.all([runs[2], runs[3]]);
  expect(await slots.run(async () => 7)).toBe(7);
});
