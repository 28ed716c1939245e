/** Who asks: what a connection says of its requests, whatever protocol they came in. */
import type { RequestContext } from "../operation/context.ts";
import type { SessionPeer } from "./protocol.ts";

/** Nobody is asked who they are. */
const ANONYMOUS = "User:ANONYMOUS";

export function contextOf(
  peer: SessionPeer,
  clientId: string | null,
): RequestContext {
  return {
    principal: ANONYMOUS,
    clientId,
    clientHost: peer.remoteAddress,
    listener: peer.listener,
    connectionId: peer.connectionId,
    closed: peer.closed,
  };
}
