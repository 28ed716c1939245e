import { afterEach, expect, test } from "vitest";
import { connectionPair } from "../../../../broker/platform/memory/loopback-connection.ts";
import type { Connection } from "../../../../broker/platform/network.ts";
import { NetworkError } from "../../../../broker/platform/network.ts";
import { compactApis } from "../../../../broker/wire/compact/apis.ts";
import {
  decodeHead,
  errorFrames,
} from "../../../../broker/wire/compact/compact-frame.ts";
import { PREFACE } from "../../../../broker/wire/compact/preface.ts";
import { FrameReader } from "../../../../broker/wire/frame.ts";
import { openCompactConnection } from "../../../../client/drivers/compact/compact-connection.ts";
import { ConnectionSlot } from "../../../../client/drivers/compact/connection-slot.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { SeededRandom } from "../../../support/seeded-random.ts";

const clock = new ManualClock();
const opened: Connection[] = [];
afterEach(() => {
  for (const connection of opened.splice(0)) connection.destroy();
});

type Serve = (peer: Connection, frame: Uint8Array) => void;

/** A broker that greets, and does with every further frame what the test says. */
function brokerThat(serve: Serve, greet: Serve = greets): Connection {
  const [ours, theirs] = connectionPair(clock);
  opened.push(ours);
  const frames = new FrameReader(1_000_000);
  let skipSizeBytes = PREFACE.length;
  ours.start({
    onData(chunk) {
      const bytes = chunk.subarray(skipSizeBytes);
      skipSizeBytes = 0;
      frames.push(bytes, (frame) => {
        const isHello = decodeHead(frame).api === compactApis.hello.key;
        (isHello ? greet : serve)(ours, frame);
      });
    },
    onDrain() {},
    onClose() {},
  });
  return theirs;
}

function greets(peer: Connection, frame: Uint8Array): void {
  const head = { ...decodeHead(frame), kind: 1 };
  const fields = {
    version: 1,
    clusterId: "c",
    nodeId: 1,
    frameSizeBytesMax: 1_000,
  };
  peer.write(compactApis.hello.answer.encode(head, fields).parts);
}

const silent: Serve = () => {};

function open(theirs: Connection) {
  return openCompactConnection({
    connect: async () => theirs,
    clock,
    clientId: null,
  });
}

test("answers are found by their number, whatever their order", async () => {
  const held: Uint8Array[] = [];
  const connection = await open(
    brokerThat((peer, frame) => {
      held.push(frame);
      if (held.length < 2) return;
      for (const one of held.toReversed()) {
        const head = { ...decodeHead(one), kind: 1 };
        const groups = [
          {
            groupId: `g${head.correlationId}`,
            protocolType: "",
            state: "",
          },
        ];
        peer.write(
          compactApis["list-groups"].answer.encode(head, { groups }).parts,
        );
      }
    }),
  );
  const answers = await Promise.all([
    connection.request("list-groups", { states: [] }),
    connection.request("list-groups", { states: [] }),
  ]);
  expect(
    answers.map((answer) =>
      answer.error === null ? answer.fields.groups[0]?.groupId : answer.error,
    ),
  ).toEqual(["g2", "g3"]);
});

test("a request without an answer in time ends the connection for all", async () => {
  const connection = await open(brokerThat(silent));
  const late = connection.request("describe-cluster", {}, { timeoutMs: 50 });
  const other = connection.request("describe-cluster", {});
  const results = Promise.allSettled([late, other]);
  await clock.advanceAndSettle(50);
  expect(await results).toMatchObject([
    { reason: { code: "timed-out", isRetriable: true } },
    { reason: { code: "broker-unreachable", isRetriable: true } },
  ]);
  expect(connection.isOpen).toBe(false);
  await connection.closed;
});

test.each([
  [
    "what is no frame",
    (peer: Connection) => peer.write([new Uint8Array(9).fill(0xff)]),
  ],
  [
    "what is no header",
    (peer: Connection) => peer.write([Uint8Array.of(0, 0, 0, 1, 0xc0)]),
  ],
  [
    "an answer nobody asked for",
    (peer: Connection, frame: Uint8Array) => {
      const head = { ...decodeHead(frame), kind: 1, correlationId: 99 };
      peer.write(compactApis.unsubscribe.answer.encode(head, {}).parts);
    },
  ],
  [
    "an error about the connection",
    (peer: Connection) => {
      const fields = { code: "protocol-violation", message: "m", detail: "d" };
      const head = { kind: 2, correlationId: 0, api: 0 };
      peer.write(errorFrames.encode(head, fields).parts);
    },
  ],
])("%s ends the connection and says so", async (_what, serve: Serve) => {
  const connection = await open(brokerThat(serve));
  await expect(
    connection.request("describe-cluster", {}),
  ).rejects.toMatchObject({ code: "protocol-violation", isRetriable: false });
  await expect(
    connection.request("describe-cluster", {}),
  ).rejects.toMatchObject({ code: "protocol-violation" });
});

test("a request that is larger than the broker takes is refused without being sent", async () => {
  let frameCount = 0;
  const connection = await open(
    brokerThat(() => {
      frameCount += 1;
    }),
  );
  const fields = {
    acks: 1,
    timeoutMs: 1,
    partitions: [{ topic: "t", partition: 0, sizeBytes: 2_000 }],
  };
  const batches = [new Uint8Array(2_000)];
  const answer = await connection.request("produce", fields, { batches });
  expect(answer.error).toBe("message-too-large");
  expect((await connection.send("produce", fields, batches))?.error).toBe(
    "message-too-large",
  );
  await clock.settle();
  expect(frameCount).toBe(0);
});

test("without a version in common there is nothing to try again", async () => {
  const refuses: Serve = (peer, frame) => {
    const fields = {
      code: "version-not-supported",
      message: "m",
      detail: null,
    };
    const head = { ...decodeHead(frame), kind: 2 };
    peer.write(errorFrames.encode(head, fields).parts);
  };
  await expect(open(brokerThat(silent, refuses))).rejects.toMatchObject({
    code: "not-supported",
    isRetriable: false,
  });
});

test("requests fail as closed when the connection is closed under them", async () => {
  const connection = await open(brokerThat(silent));
  const asked = connection.request("describe-cluster", {});
  connection.close();
  await expect(asked).rejects.toMatchObject({ code: "closed" });
});

test("a place for a connection tries again later and later, for everybody at once", async () => {
  const triedAtMs: number[] = [];
  const startMs = clock.monotonic();
  let isUp = false;
  const slot = new ConnectionSlot({
    connect: async () => {
      triedAtMs.push(clock.monotonic() - startMs);
      if (!isUp) throw new NetworkError("ECONNREFUSED", "nobody listens");
      return brokerThat(silent);
    },
    clock,
    random: new SeededRandom(1),
    clientId: null,
  });
  for (let attempt = 0; attempt < 6; attempt += 1) {
    const both = Promise.allSettled([slot.get(), slot.get()]);
    await clock.advanceAndSettle(2_000);
    expect(await both).toMatchObject([
      { reason: { code: "broker-unreachable", isRetriable: true } },
      { reason: { code: "broker-unreachable" } },
    ]);
  }
  expect(triedAtMs).toHaveLength(6);
  const waitsMs = triedAtMs.map((atMs, index) => atMs - index * 2_000);
  expect(waitsMs[0]).toBe(0);
  // 100, 200, 400, 800 and then 1,000 ms, give or take a fifth.
  for (const [index, baseMs] of [100, 200, 400, 800, 1_000].entries()) {
    expect(waitsMs[index + 1]).toBeGreaterThanOrEqual(baseMs * 0.8);
    expect(waitsMs[index + 1]).toBeLessThanOrEqual(baseMs * 1.2);
  }
  isUp = true;
  const up = slot.get();
  await clock.advanceAndSettle(2_000);
  const connection = await up;
  expect(await slot.get()).toBe(connection);
  slot.close();
  await expect(slot.get()).rejects.toMatchObject({ code: "closed" });
});
