/**
 * What a handler of one request is: a translation to an operation and back. It
 * touches no file, and decides nothing that Kafka's handlers would have to
 * decide again.
 */
import type { Payload } from "../../lib/payload.ts";
import type { RequestContext } from "../../operation/context.ts";
import type { Refusal } from "../../operation/operation-error.ts";
import type { Operations } from "../../operation/operations.ts";
import type {
  CompactAnswerInput,
  CompactApiName,
  CompactRequest,
} from "../../wire/compact/apis.ts";
import type { Subscriptions } from "./subscriptions.ts";

export interface CompactCall<N extends CompactApiName> {
  readonly context: RequestContext;
  readonly request: CompactRequest<N>;
  /** What followed the header: a view of the received frame. */
  readonly payload: Uint8Array;
  readonly subscriptions: Subscriptions;
}

export interface Answered<N extends CompactApiName> {
  readonly error: null;
  readonly fields: CompactAnswerInput<N>;
  /** Sent behind the fields, by reference. */
  readonly payloads: readonly Payload[];
}

/** A refusal is of the whole request; what is about one part of it lies in the fields. */
export type CompactResponse<N extends CompactApiName> = Answered<N> | Refusal;

export interface CompactReply<N extends CompactApiName> {
  /** When the next request of the connection may begin; null: now. */
  readonly processed: Promise<unknown> | null;
  /** Null where the client expects no answer. */
  readonly response: Promise<CompactResponse<N> | null>;
  /** Nobody looks at bytes of the request any more; absent where somebody may. */
  readonly isRequestFree?: boolean;
}

export type CompactHandler<N extends CompactApiName> = (
  operations: Operations,
  call: CompactCall<N>,
) => CompactReply<N>;

export function answered<N extends CompactApiName>(
  fields: CompactAnswerInput<N>,
  payloads: readonly Payload[] = [],
): Answered<N> {
  return { error: null, fields, payloads };
}

/** A handler whose connection waits for its answer: all but produce. */
export function inOrder<N extends CompactApiName>(
  handle: (
    operations: Operations,
    call: CompactCall<N>,
  ) => Promise<CompactResponse<N> | null> | CompactResponse<N> | null,
): CompactHandler<N> {
  return (operations, call) => {
    const result = handle(operations, call);
    if (!(result instanceof Promise)) {
      return { processed: null, response: Promise.resolve(result) };
    }
    return { processed: result, response: result };
  };
}
