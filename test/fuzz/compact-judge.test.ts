/** The judge is shown brokers that do wrong, and must say so. */
import { describe, expect, test } from "vitest";
import { payloadOf } from "../../broker/lib/payload.ts";
import { batchesFrames, compactApis } from "../../broker/wire/compact/apis.ts";
import { errorFrames } from "../../broker/wire/compact/compact-frame.ts";
import { batchOf, type LogLine } from "../broker/server/kafka/support.ts";
import { requestBytes } from "../broker/server/compact/raw-client.ts";
import { compactProbe, CompactStranger } from "./compact-judge.ts";
import { type Manner, verdictOn } from "./verdict.ts";

const line: LogLine = { level: "warn", message: "closed", fields: {} };
const unsubscribe = requestBytes("unsubscribe", 7, { subscription: 1 });
const good = bytesOf(
  compactApis.unsubscribe.answer.encode(headOf(1, 7, 27), {}),
);
const probeAnswer = bytesOf(
  compactApis["describe-cluster"].answer.encode(headOf(1, 0x5eed, 3), {
    clusterId: "c",
    controllerId: 1,
    brokers: [],
  }),
);
const batch = batchOf(["a"]);
const damaged = batchOf(["a"]).fill(0x7f, 62);

function headOf(kind: number, correlationId: number, api: number) {
  return { kind, correlationId, api };
}

function bytesOf({ parts }: { readonly parts: readonly unknown[] }) {
  return Buffer.concat(parts.filter((part) => part instanceof Uint8Array));
}

function errorOf(code: string): Uint8Array {
  const fields = { code, message: "", detail: null };
  return bytesOf(errorFrames.encode(headOf(2, 7, 27), fields));
}

function pushOf(bytes: Uint8Array): Uint8Array {
  const fields = {
    topic: "t",
    partition: 0,
    round: 0,
    error: null,
    offset: 0,
    highWatermark: 1,
    stableOffset: 1,
    startOffset: 0,
  };
  const head = headOf(3, 1, compactApis.subscribe.key);
  return bytesOf(batchesFrames.encode(head, fields, [payloadOf([bytes])]));
}

/** What the judge says of a broker that answers an unsubscribe and the probe so. */
function verdict(
  answers: readonly Uint8Array[],
  manner: Manner = {},
): Promise<string> {
  return verdictOn(answers, manner, (client) => {
    const stranger = new CompactStranger(client, 1_000);
    stranger.send(unsubscribe);
    stranger.send(compactProbe);
    return (lines) => stranger.judge(lines);
  });
}

test("answers and pushes are good, and so is an error about the connection with its end", async () => {
  const pushed = [pushOf(batch), good, probeAnswer];
  expect(await verdict(pushed)).toBe("good");
  const ended = { closes: true, lines: [line] };
  expect(await verdict([errorOf("protocol-violation")], ended)).toBe("good");
});

describe("the judge finds", () => {
  test.each([
    ["nothing answered", [], {}, "neither answered nor closed"],
    ["one left out", [probeAnswer], {}, "out of turn"],
    ["one answered twice", [good, good, probeAnswer], {}, "out of turn"],
    ["a damaged push", [pushOf(damaged), good, probeAnswer], {}, "damaged"],
    [
      "a violation without an end",
      [errorOf("protocol-violation"), probeAnswer],
      {},
      "neither answered nor closed",
    ],
    [
      "unknown server error",
      [errorOf("unknown-server-error"), probeAnswer],
      {},
      "unknown-server-error",
    ],
    ["an end without a line", [], { closes: true }, "closed, and []"],
    [
      "a fault of ours",
      [],
      { closes: true, lines: [{ ...line, level: "error" as const }] },
      "log:",
    ],
  ])("%s", async (_what, answers, how, reason) => {
    expect(await verdict(answers, how)).toContain(reason);
  });
});
