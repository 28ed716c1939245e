import { expect, test } from "vitest";
import { copyOf } from "../../pipeline/copy.ts";

test("plain data is copied all the way down", () => {
  const original = {
    list: [{ a: 1 }],
    map: new Map([["k", { b: 2 }]]),
    set: new Set([{ c: 3 }]),
    when: new Date(5),
    bytes: Buffer.from([1, 2]),
    none: null,
  };
  const copy = copyOf(original) as typeof original;
  expect(copy).toEqual({ ...original, bytes: Uint8Array.of(1, 2) });
  expect(copy.list[0]).not.toBe(original.list[0]);
  expect(copy.map.get("k")).not.toBe(original.map.get("k"));
  expect([...copy.set][0]).not.toBe([...original.set][0]);
  expect(copy.when).not.toBe(original.when);
  copy.bytes[0] = 9;
  expect(original.bytes[0]).toBe(1);
});

test("references that are shared or circular stay so", () => {
  const shared = { n: 1 };
  const original: Record<string, unknown> = { a: shared, b: shared };
  original["self"] = original;
  const copy = copyOf(original) as Record<string, unknown>;
  expect(copy["self"]).toBe(copy);
  expect(copy["a"]).toBe(copy["b"]);
  expect(copy["a"]).not.toBe(shared);
});

test("an instance of a class is handed on as it is", () => {
  class Money {
    readonly #cents = 5;
    get cents(): number {
      return this.#cents;
    }
  }
  const money = new Money();
  const copy = copyOf({ money }) as { money: Money };
  expect(copy.money).toBe(money);
  expect(copy.money.cents).toBe(5);
});

test("a name like __proto__ is data and nothing else", () => {
  const original: unknown = JSON.parse('{"__proto__": {"isAdmin": true}}');
  const copy = copyOf(original);
  expect(JSON.stringify(copy)).toBe('{"__proto__":{"isAdmin":true}}');
  expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
});
