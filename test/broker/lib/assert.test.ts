import { expect, test } from "vitest";
import {
  assert,
  AssertionError,
  assertNever,
} from "../../../broker/lib/assert.ts";

test("an assertion that holds costs no message", () => {
  assert(true, () => expect.unreachable());
});

test("an assertion that fails throws its message, put together only then", () => {
  expect(() => assert(false, "slot out of order")).toThrow(AssertionError);
  expect(() => assert(false, () => `slot ${3} of ${2}`)).toThrow("slot 3 of 2");
});

test("a value that cannot be is named", () => {
  // @ts-expect-error: no string is left to be `never`.
  expect(() => assertNever("sideways")).toThrow("sideways");
});
