import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openBroker, type Broker } from "../../../../broker/index.ts";
import { concatBytes } from "../../../../broker/lib/bytes.ts";
import { compactApis } from "../../../../broker/wire/compact/apis.ts";
import { decodeHead } from "../../../../broker/wire/compact/compact-frame.ts";
import { PREFACE } from "../../../../broker/wire/compact/preface.ts";
import { packArray } from "../../../../broker/wire/msgpack.ts";
import { greeting, RawClient, requestBytes } from "./raw-client.ts";

let broker: Broker;
beforeAll(async () => {
  broker = await openBroker();
});
afterAll(() => broker.close());

const requests = concatBytes([
  greeting,
  requestBytes("describe-cluster", 2, {}),
  requestBytes("metadata", 3, { topics: ["none"], mayCreate: false }),
  requestBytes("unsubscribe", 4, { subscription: 1 }),
]);

test("however the bytes arrive, the answers are the same and in order", async () => {
  const cuts = fc.array(fc.integer({ min: 0, max: requests.length }));
  await fc.assert(
    fc.asyncProperty(cuts, async (unsorted) => {
      const client = new RawClient(broker.connect());
      let start = 0;
      for (const end of [...unsorted, requests.length].sort((a, b) => a - b)) {
        client.write(requests.subarray(start, end));
        // A turn of the loop between two chunks, so that they arrive as such.
        await new Promise<void>((resolve) => setImmediate(resolve));
        start = end;
      }
      const ids: number[] = [];
      while (ids.length < 4)
        ids.push(decodeHead(await client.take()).correlationId);
      expect(ids).toEqual([1, 2, 3, 4]);
      client.destroy();
    }),
    { numRuns: 50 },
  );
});

const keys = Object.values(compactApis).map(({ key }) => key);
const leaf = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  fc.double(),
  fc.string(),
  fc.uint8Array({ maxLength: 20 }),
);
const field = fc.oneof(leaf, fc.array(fc.oneof(leaf, fc.array(leaf))));

/** Bodies of frames: anything, and what looks like a request with wrong fields. */
const body = fc.oneof(
  fc.uint8Array({ maxLength: 100 }),
  fc
    .tuple(fc.constantFrom(...keys), fc.array(field, { maxLength: 9 }))
    .map(([key, fields]) => packArray([0, 2, key, ...fields])),
);

function framed(bytes: Uint8Array): Uint8Array {
  const frame = new Uint8Array(4 + bytes.length);
  new DataView(frame.buffer).setUint32(0, bytes.length);
  frame.set(bytes, 4);
  return frame;
}

test("whatever is sent, the connection answers or closes, and the broker serves the next", async () => {
  const stream = fc.oneof(
    fc
      .array(body, { maxLength: 5 })
      .map((bodies) => concatBytes([greeting, ...bodies.map(framed)])),
    fc
      .uint8Array({ maxLength: 50 })
      .map((bytes) => concatBytes([PREFACE, bytes])),
    fc.uint8Array({ maxLength: 50 }),
  );
  const sane = new RawClient(broker.connect());
  sane.write(greeting);
  await sane.take();
  await fc.assert(
    fc.asyncProperty(stream, async (bytes) => {
      const wild = new RawClient(broker.connect());
      wild.write(bytes);
      sane.write(requestBytes("describe-cluster", 2, {}));
      expect(decodeHead(await sane.take()).kind).toBe(1);
      wild.destroy();
      await wild.closed;
    }),
    { numRuns: 300 },
  );
});
