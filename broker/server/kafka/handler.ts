/**
 * What a handler of one API is: a translation from Kafka's request to an
 * operation and back. It touches no file, keeps no state, and decides nothing
 * that the compact protocol would have to decide again.
 */
import type { RequestContext } from "../../operation/context.ts";
import type { Operations } from "../../operation/operations.ts";
import type { ApiKey, RequestOf, ResponseOf } from "../../wire/kafka/apis.ts";

export interface Call<K extends ApiKey> {
  readonly context: RequestContext;
  readonly request: RequestOf<K>;
  readonly version: number;
}

export interface Reply<K extends ApiKey> {
  /** When the next request of the connection may begin; null: now. */
  readonly processed: Promise<unknown> | null;
  /** Null where the client expects no answer (acks 0). */
  readonly response: Promise<ResponseOf<K> | null>;
  /** Nobody looks at bytes of the request any more; absent where somebody may. */
  readonly isRequestFree?: boolean;
}

export type Handler<K extends ApiKey> = (
  operations: Operations,
  call: Call<K>,
) => Reply<K>;

/** A handler whose connection waits for its answer: all but Produce. */
export function inOrder<K extends ApiKey>(
  handle: (
    operations: Operations,
    call: Call<K>,
  ) => Promise<ResponseOf<K>> | ResponseOf<K>,
): Handler<K> {
  return (operations, call) => {
    const result = handle(operations, call);
    if (!(result instanceof Promise)) {
      return { processed: null, response: Promise.resolve(result) };
    }
    return { processed: result, response: result };
  };
}
