import { expect, test } from "vitest";
import { connectionPair } from "../../../../broker/platform/memory/loopback-connection.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

test("a pair of connections needs no network, and delivers copies", async () => {
  const clock = new ManualClock();
  const [here, there] = connectionPair(clock);
  const chunks: Uint8Array[] = [];
  here.start({ onData: () => {}, onDrain: () => {}, onClose: () => {} });
  there.start({
    onData: (chunk) => chunks.push(chunk),
    onDrain: () => {},
    onClose: () => {},
  });
  const part = Buffer.from("abc");
  let isSent = false;
  here.write([part, Buffer.from("d")], () => {
    isSent = true;
    // Its memory is the sender's again.
    part.fill("x");
  });
  expect(chunks).toEqual([]);
  expect(isSent).toBe(false);
  await clock.settle();
  expect(isSent).toBe(true);
  expect(chunks.map((chunk) => Buffer.from(chunk).toString())).toEqual([
    "abcd",
  ]);
});

test("a pause inside onData holds back the rest", async () => {
  const clock = new ManualClock();
  const [here, there] = connectionPair(clock);
  const sizes: number[] = [];
  there.start({
    onData: (chunk) => {
      sizes.push(chunk.length);
      there.pause();
    },
    onDrain: () => {},
    onClose: () => {},
  });
  here.start({ onData: () => {}, onDrain: () => {}, onClose: () => {} });
  const sizeBytes = 1_000_000;
  here.write([Buffer.alloc(sizeBytes)]);
  await clock.settle();
  expect(sizes.length).toBe(1);
  expect(here.queuedSizeBytes).toBe(sizeBytes - (sizes[0] ?? 0));
  there.resume();
  await clock.settle();
  expect(sizes.length).toBe(2);
});

test("what is written before the other end starts waits for it", async () => {
  const clock = new ManualClock();
  const [here, there] = connectionPair(clock);
  here.start({ onData: () => {}, onDrain: () => {}, onClose: () => {} });
  here.write([Buffer.from("early")]);
  here.end();
  await clock.settle();
  const events: string[] = [];
  there.start({
    onData: (chunk) => events.push(Buffer.from(chunk).toString()),
    onDrain: () => {},
    onClose: (error) => events.push(`closed ${error?.code ?? "cleanly"}`),
  });
  await clock.settle();
  expect(events).toEqual(["early", "closed cleanly"]);
});
