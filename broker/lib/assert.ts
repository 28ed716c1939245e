/**
 * Assertions: what holds unless there is a bug in Millrace itself.
 *
 * They stay on in production, so they are cheap; a message that must be put
 * together from numbers is a function, called only on failure. Never assert
 * what a client or a disk can cause: that is an answer or a fault.
 */

export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/** Throws an `AssertionError` unless `condition` holds. The broker stops on it. */
export function assert(
  condition: boolean,
  message: string | (() => string),
): asserts condition {
  if (condition) return;
  throw new AssertionError(typeof message === "string" ? message : message());
}

/** For the branch that no value can reach; does not compile while one can. */
export function assertNever(value: never): never {
  throw new AssertionError(`impossible value ${String(value)}`);
}
