/**
 * A broker on TCP under requests that promise more than they bring, in a process
 * of its own so that its memory can be told. Called with the scenario; prints
 * how much the process grew at most, and what the requests were answered with.
 */
import { setImmediate } from "node:timers/promises";
import { openBroker } from "../../broker/index.ts";
import { NodeNetwork } from "../../broker/platform/node/node-network.ts";
import { KafkaConnection } from "../support/kafka-connection.ts";
import { codecBombs } from "./bombs.ts";
import { lyingRequests } from "./lying-requests.ts";
import {
  createTopicBody,
  produceBody,
} from "../broker/server/kafka/support.ts";

const MIB = 1024 * 1024;
const FRAME_SIZE_BYTES = 100 * MIB;
const CONNECTIONS = 150;

const broker = await openBroker({ listen: { host: "127.0.0.1", port: 0 } });
const [address] = broker.addresses;
if (address === undefined) throw new Error("listens nowhere");
const { port } = address;
const control = await KafkaConnection.overTcp(port);
const network = new NodeNetwork();

/** Connections that promise the largest frame each and send so much of it. */
async function promise(sizeBytes: number): Promise<string> {
  const prefix = Buffer.alloc(4);
  prefix.writeInt32BE(FRAME_SIZE_BYTES);
  const piece = new Uint8Array(16 * 1024).fill(1);
  let closedCount = 0;
  for (let index = 0; index < CONNECTIONS; index += 1) {
    const connection = await network.connect({ host: "127.0.0.1", port });
    connection.start({
      onData() {},
      onDrain() {},
      onClose: () => (closedCount += 1),
    });
    connection.write([prefix]);
    for (let sent = 0; sent < sizeBytes; sent += piece.length) {
      const part = piece.subarray(0, sizeBytes - sent);
      await new Promise<void>((done) => connection.write([part], done));
    }
    await isAnswering();
  }
  return `${closedCount} closed`;
}

/** Every request that says, in one place after the other, that 2^31 of something follow. */
async function lie(): Promise<string> {
  let closedCount = 0;
  for (const bytes of lyingRequests()) {
    const connection = new KafkaConnection(broker.connect());
    connection.send(bytes);
    for (let turn = 0; turn < 3; turn += 1) await setImmediate();
    if (connection.isClosed) closedCount += 1;
    // Some wait, as a lie may be one about time.
    connection.close();
  }
  return closedCount > 1_000 ? "thousands closed" : `${closedCount} closed`;
}

/** Batches of less than a megabyte whose records inflate to more than a gigabyte. */
async function inflate(): Promise<string> {
  const configs: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    compacted: { "cleanup.policy": "compact" },
    plain: { "compression.type": "uncompressed" },
  };
  const codes = new Set<number>();
  const bombs = [...codecBombs()];
  for (const [topic, config] of Object.entries(configs)) {
    await control.request(19, 7, createTopicBody(topic, 1, config));
    for (const batch of bombs) {
      // A log takes the bytes it is given.
      const body = produceBody(topic, Uint8Array.from(batch), { acks: 1 });
      const { responses } = await control.request(0, 9, body);
      codes.add(responses[0]?.partitionResponses[0]?.errorCode ?? -2);
    }
  }
  return [...codes].join();
}

async function isAnswering(): Promise<void> {
  await control.request(18, 0, {
    clientSoftwareName: "",
    clientSoftwareVersion: "",
  });
}

const scenarios: Readonly<Record<string, () => Promise<string>>> = {
  "promise-little": () => promise(4 * 1024),
  "promise-some": () => promise(MIB),
  lie,
  inflate,
};
const run = scenarios[process.argv[2] ?? ""];
if (run === undefined) throw new Error("no such scenario");
await isAnswering();
const beforeKib = process.resourceUsage().maxRSS;
const outcome = await run();
await isAnswering();
const grownMib = (process.resourceUsage().maxRSS - beforeKib) / 1024;
console.log(JSON.stringify({ outcome, grownMib: Math.round(grownMib) }));
process.exit(0);
