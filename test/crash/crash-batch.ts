/** The batch that a child sends under a number, and that a check looks for. */
import { BatchBuilder } from "../../broker/record/batch-builder.ts";
import { recordCount, type SentBatch } from "./crash-task.ts";

const padding = "x".repeat(500);

export function batchOf({
  number,
  producerId,
  sequence,
}: SentBatch): Uint8Array {
  const builder = new BatchBuilder();
  for (let index = 0; index < recordCount; index++) {
    builder.append({
      key: Buffer.from(`${number}.${index}`),
      value: Buffer.from(padding),
      headers: [],
      timestampMs: Date.now(),
    });
  }
  const producer = { id: producerId, epoch: 0, baseSequence: sequence };
  return new Uint8Array(builder.build({ producer }));
}
