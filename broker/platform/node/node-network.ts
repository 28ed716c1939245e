/**
 * TCP through node:net.
 *
 * Nagle's algorithm is off (answers are written whole), half-open connections
 * do not exist, and a name that has several addresses is tried at its first.
 */
import { createConnection, createServer } from "node:net";
import type { Server } from "node:net";
import { NetworkError } from "../network.ts";
import type {
  Connection,
  ListenHandlers,
  Listener,
  Network,
} from "../network.ts";
import { NodeConnection, networkErrorOf } from "./node-connection.ts";

interface Address {
  readonly host: string;
  readonly port: number;
}

export class NodeNetwork implements Network {
  async listen(at: Address, handlers: ListenHandlers): Promise<Listener> {
    const server = createServer(
      { noDelay: true, keepAlive: true, allowHalfOpen: false },
      (socket) => handlers.onConnection(new NodeConnection(socket)),
    );
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error) => {
        const where = `cannot listen on ${at.host}:${at.port}`;
        reject(networkErrorOf(error, where));
      });
      server.listen({ host: at.host, port: at.port, exclusive: true }, resolve);
    });
    server.removeAllListeners("error");
    // Out of descriptors (EMFILE) is answered by libuv itself: it gives up one
    // kept in reserve to take the connection and close it, so that the client
    // is not left hanging, and says nothing of it. Only what it cannot answer
    // (the reserve is gone, the kernel is out of memory) comes here.
    server.on("error", (error) => {
      handlers.onError(networkErrorOf(error, "cannot accept a connection"));
    });
    return {
      host: at.host,
      port: portOf(server),
      close: () =>
        new Promise<void>((resolve) => {
          // The callback waits for all connections to end, which is not what
          // closing a listener means here.
          server.close();
          resolve();
        }),
    };
  }

  connect(to: Address): Promise<Connection> {
    return new Promise<Connection>((resolve, reject) => {
      const socket = createConnection({
        host: to.host,
        port: to.port,
        noDelay: true,
        keepAlive: true,
        autoSelectFamily: false,
      });
      const fail = (error: Error): void => {
        reject(
          networkErrorOf(error, `cannot connect to ${to.host}:${to.port}`),
        );
      };
      socket.once("error", fail);
      socket.once("connect", () => {
        const connection = new NodeConnection(socket);
        socket.off("error", fail);
        resolve(connection);
      });
    });
  }
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") {
    throw new NetworkError("EADDRNOTAVAIL", "the listener has no port");
  }
  return address.port;
}
