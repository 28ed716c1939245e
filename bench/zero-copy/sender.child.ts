/** Sends a file to whoever connects, over and over, the way it was told; tells its CPU time. */
import { closeSync, openSync, statSync } from "node:fs";
import net from "node:net";
import { senders, type Way } from "./ways.ts";

const [path = "", way = "", times = "1"] = process.argv.slice(2);
const file = {
  fd: openSync(path, "r"),
  path,
  sizeBytes: statSync(path).size,
};

const server = net.createServer({ noDelay: true }, (socket) => {
  void serve(socket);
});

async function serve(socket: net.Socket): Promise<void> {
  const send = senders[way as Way];
  // A connection of its own for what warms up would need another socket.
  const before = process.cpuUsage();
  for (let count = 0; count < Number(times); count += 1) {
    await send(file, socket);
  }
  const { user, system } = process.cpuUsage(before);
  process.send?.({ cpuSeconds: (user + system) / 1e6 });
  socket.destroySoon();
  server.close();
  closeSync(file.fd);
  process.disconnect();
}

server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (typeof address === "object") process.send?.({ port: address?.port });
});
