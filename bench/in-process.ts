/** Produce and fetch through the client, in the broker's own process: no socket. */
import { performance } from "node:perf_hooks";
import { openBroker } from "../broker/index.ts";
import { connect, topic } from "../client/index.ts";

export interface InProcessFigures {
  readonly recordsCount: number;
  readonly sentPerSecond: number;
  readonly readPerSecond: number;
}

export async function benchInProcess(parameters: {
  readonly recordSizeBytes: number;
  readonly recordsCount: number;
}): Promise<InProcessFigures> {
  const { recordSizeBytes, recordsCount } = parameters;
  await using broker = await openBroker();
  await using client = await connect({ broker });
  const records = topic("bench");
  const value = new Uint8Array(recordSizeBytes).fill(97);
  const producer = client.producer();
  const sendMs = performance.now();
  await Promise.all(
    Array.from({ length: recordsCount }, () =>
      producer.send(records, { key: null, value }),
    ),
  );
  const readMs = performance.now();
  const reader = client.reader({
    partitions: [{ topic: "bench", partition: 0, offset: "earliest" }],
  });
  let readCount = 0;
  for await (const batch of reader) {
    readCount += batch.records.length;
    if (readCount >= recordsCount) break;
  }
  const endMs = performance.now();
  return {
    recordsCount: readCount,
    sentPerSecond: (recordsCount / (readMs - sendMs)) * 1_000,
    readPerSecond: (readCount / (endMs - readMs)) * 1_000,
  };
}
