/** The least a test can ask of anything that speaks Kafka's protocol, without a client's help. */
import { once } from "node:events";
import { connect } from "node:net";

/**
 * Sends ApiVersions v0 over a fresh connection and gives the answer's body:
 * error code, then an array of (key, least version, greatest version).
 */
export async function apiVersions(port: number): Promise<Buffer> {
  const correlationId = 7;
  const clientId = Buffer.from("test");
  const request = Buffer.alloc(14 + clientId.length);
  request.writeInt32BE(request.length - 4, 0);
  request.writeInt16BE(18, 4);
  request.writeInt16BE(0, 6);
  request.writeInt32BE(correlationId, 8);
  request.writeInt16BE(clientId.length, 12);
  clientId.copy(request, 14);

  const socket = connect(port, "127.0.0.1");
  socket.setTimeout(5_000, () => socket.destroy(new Error("no answer in 5 s")));
  try {
    await once(socket, "connect");
    socket.write(request);
    let received = Buffer.alloc(0);
    for await (const chunk of socket) {
      received = Buffer.concat([received, chunk]);
      if (received.length < 8) continue;
      const end = 4 + received.readInt32BE(0);
      if (received.length < end) continue;
      if (received.readInt32BE(4) !== correlationId)
        throw new Error("an answer to something else");
      return received.subarray(8, end);
    }
    throw new Error("closed without an answer");
  } finally {
    socket.destroy();
  }
}
