/**
 * Who asks, over which connection. Every operation is `(context, request)`:
 * authorisation, quotas and traces have all they need here, and no handler has
 * to be touched when they come.
 */
export interface RequestContext {
  /** Kafka's form, `User:name`; `User:ANONYMOUS` without authentication. */
  readonly principal: string;
  readonly clientId: string | null;
  readonly clientHost: string;
  /** The name of the listener the connection came in on. */
  readonly listener: string;
  /** Unique in this broker's life. */
  readonly connectionId: number;
  /** Aborted when the connection closes: nobody waits for the answer any more. */
  readonly closed: AbortSignal;
}
