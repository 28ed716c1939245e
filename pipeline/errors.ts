/**
 * How a record leaves the normal way: by an error, or by a word of the
 * handler's own (`skip`, `deadLetter`).
 *
 * Everything thrown becomes a `Failure`, non-errors too: a handler that throws
 * a string must not stop the run any more than one that throws an `Error`.
 */

export type PipelineErrorCode =
  /** The definition or its options make no sense; nothing was started. */
  | "invalid-definition"
  /** The run could not start: a topic cannot be read or created, or the group not joined. */
  | "start-failed"
  /** Reading from the group failed for good. */
  | "read-failed"
  /** A record's bytes do not fit its topic's schema, and `onDecodeError` is `stop`. */
  | "decode-failed"
  /** A record could neither be delivered nor dead-lettered; its offset is not committed. */
  | "delivery-failed"
  /** The group refuses this run's commits for good. */
  | "commit-failed";

export class PipelineError extends Error {
  readonly code: PipelineErrorCode;

  constructor(code: PipelineErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "PipelineError";
    this.code = code;
  }
}

/** Why a record is dead-lettered, as its headers tell. */
export interface Failure {
  /** Stable and machine-readable: people route on it. */
  readonly errorCode: string;
  readonly errorName: string;
  readonly causeName: string | null;
  readonly message: string;
  readonly stack: string | null;
  /** The key could not be decoded, and not the value. */
  readonly isKeyFailure: boolean;
}

/** Thrown by `ctx.skip()`: the record is done here. */
export class SkipRecord extends Error {
  constructor() {
    super("the record was skipped by its handler");
    this.name = "SkipRecord";
  }
}

/** Thrown by `ctx.deadLetter(reason)`. */
export class DeadLetterRecord extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "DeadLetterRecord";
  }
}

/**
 * Never throws, whatever was thrown. `defaultCode` is for what has no code of
 * its own.
 */
export function failureOf(
  thrown: unknown,
  defaultCode = "handler-failed",
  isKeyFailure = false,
): Failure {
  try {
    if (thrown instanceof Error) {
      return errorFailure(thrown, defaultCode, isKeyFailure);
    }
    return {
      errorCode: defaultCode,
      errorName: typeof thrown,
      causeName: null,
      message: messageOf(thrown),
      stack: null,
      isKeyFailure,
    };
  } catch (unreadable) {
    return {
      errorCode: defaultCode,
      errorName: typeof thrown,
      causeName: unreadable instanceof Error ? unreadable.name : null,
      message: "what was thrown cannot be read",
      stack: null,
      isKeyFailure,
    };
  }
}

/** What was thrown, in words: an error's message, or the value as text. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return String(thrown.message);
  if (typeof thrown !== "object" || thrown === null) return String(thrown);
  return JSON.stringify(thrown) ?? String(thrown);
}

function errorFailure(
  thrown: Error,
  defaultCode: string,
  isKeyFailure: boolean,
): Failure {
  return {
    errorCode: codeOf(thrown) ?? defaultCode,
    errorName: String(thrown.name),
    causeName: thrown.cause instanceof Error ? String(thrown.cause.name) : null,
    message: messageOf(thrown),
    stack: typeof thrown.stack === "string" ? thrown.stack : null,
    isKeyFailure,
  };
}

function codeOf(error: Error): string | null {
  if (error instanceof DeadLetterRecord) return "rejected";
  if ("code" in error && typeof error.code === "string") return error.code;
  return null;
}
