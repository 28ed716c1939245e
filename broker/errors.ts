/**
 * What an embedder can catch from `openBroker` and from a broker's methods.
 * Every code has a heading in `docs/errors.md`.
 */

export type BrokerErrorCode =
  /** An option has the wrong type or lies outside its limits. */
  | "invalid-option"
  /** Another broker, in this process or another, has the data directory open. */
  | "directory-in-use"
  /** The data directory was written by a newer release. */
  | "directory-too-new"
  /** The data directory cannot be read or written. */
  | "directory-unusable"
  /** The address to listen on is taken or not allowed. */
  | "listen-failed"
  /** The broker was closed, or stopped itself, before the call. */
  | "broker-closed"
  /** An assertion failed: a bug. The broker stopped without a clean mark. */
  | "internal-failure";

export class BrokerError extends Error {
  readonly code: BrokerErrorCode;

  constructor(code: BrokerErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "BrokerError";
    this.code = code;
  }
}
