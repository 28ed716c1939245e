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
  /** The run could not start. */
  | "start-failed"
  /** A record could neither be delivered nor dead-lettered; its offset is not committed. */
  | "delivery-failed";

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

export function failureOf(
  thrown: unknown,
  more: { readonly errorCode?: string; readonly isKeyFailure?: boolean } = {},
): Failure {
  const isKeyFailure = more.isKeyFailure ?? false;
  if (!(thrown instanceof Error)) {
    return {
      errorCode: more.errorCode ?? "handler-failed",
      errorName: typeof thrown,
      causeName: null,
      message: String(thrown),
      stack: null,
      isKeyFailure,
    };
  }
  return {
    errorCode: more.errorCode ?? codeOf(thrown),
    errorName: thrown.name,
    causeName: thrown.cause instanceof Error ? thrown.cause.name : null,
    message: thrown.message,
    stack: thrown.stack ?? null,
    isKeyFailure,
  };
}

function codeOf(error: Error): string {
  if (error instanceof DeadLetterRecord) return "rejected";
  if ("code" in error && typeof error.code === "string") return error.code;
  return "handler-failed";
}
