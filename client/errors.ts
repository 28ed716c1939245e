/**
 * The one error class of the client. Every code has a heading in
 * `docs/errors.md`; nobody has to read a message to know what happened.
 */

export type ClientErrorCode =
  /** An option or argument is wrong; nothing was sent. */
  | "invalid-argument"
  /** The client, producer or consumer was closed before or during the call. */
  | "closed"
  /** The caller's signal ended the wait. */
  | "aborted"
  /** No connection to a broker could be made, or it was lost and did not come back in time. */
  | "broker-unreachable"
  /** The broker did not answer in time. */
  | "timed-out"
  /** What was asked for cannot be done over this driver: see `client.supports`. */
  | "not-supported"
  /** The peer broke the protocol. */
  | "protocol-violation"
  /** A value does not fit the topic's schema, or could not be encoded. */
  | "encode-failed"
  /** Received bytes do not fit the topic's schema, or are not what the format says. */
  | "decode-failed"
  /** A batch arrived damaged. */
  | "corrupt-batch"
  /** Partitions were taken away before the commit; the records will be read again by their new owner. */
  | "commit-failed"
  /** The broker answered with an error; `answer` says which. */
  | "refused";

export class ClientError extends Error {
  readonly code: ClientErrorCode;
  /** True where the same call may succeed later without any change. */
  readonly isRetriable: boolean;
  /** The broker's own word for a refusal, such as `unknown-topic-or-partition`. */
  readonly answer: string | null;

  constructor(
    code: ClientErrorCode,
    message: string,
    more: {
      readonly isRetriable?: boolean;
      readonly answer?: string;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, { cause: more.cause });
    this.name = "ClientError";
    this.code = code;
    this.isRetriable = more.isRetriable ?? false;
    this.answer = more.answer ?? null;
  }
}
