/**
 * Our answers, said in the compact protocol: the words are the same.
 *
 * An operation's answer that `wire/compact/error-codes.ts` does not declare does
 * not compile here.
 */
import type { OperationError } from "../../operation/operation-error.ts";
import {
  type CompactErrorCode,
  errorCodes,
} from "../../wire/compact/error-codes.ts";

export interface ErrorFields {
  readonly code: CompactErrorCode;
  readonly message: string;
  readonly detail: string | null;
}

export function errorFieldsOf(
  code: CompactErrorCode,
  detail: string | null,
): ErrorFields {
  return { code, message: errorCodes[code].message, detail };
}

/** Null for null: it went well. */
export function errorOf(
  error: OperationError | null,
  detail: string | null = null,
): ErrorFields | null {
  return error === null ? null : errorFieldsOf(error, detail);
}
