/** The judge is shown brokers that do wrong, and must say so. */
import { describe, expect, test } from "vitest";
import type { LogLine } from "../broker/server/kafka/support.ts";
import { requestBytes } from "../support/kafka-connection.ts";
import { probe, Stranger } from "./kafka-judge.ts";
import { reframed } from "./kafka-requests.ts";
import { knownOf } from "./plausible-values.ts";
import { type Manner, verdictOn } from "./verdict.ts";

const line: LogLine = { level: "warn", message: "closed", fields: {} };
const heartbeat = requestBytes(
  12,
  0,
  { groupId: "g", generationId: 1, memberId: "m" },
  { correlationId: 7, clientId: null },
);
const goodAnswer = answerOf(7, [0, 0]);
const probeAnswer = answerOf(0x5eed, [0, 0, 0, 0, 0, 0]);

/** What the judge says of a broker that answers a heartbeat and the probe so. */
function verdict(
  answers: readonly Uint8Array[],
  manner: Manner = {},
): Promise<string> {
  return verdictOn(answers, manner, (client) => {
    const stranger = new Stranger(client, 1_000);
    stranger.send(heartbeat);
    stranger.send(probe);
    return (lines) => stranger.judge(lines, knownOf([]));
  });
}

function answerOf(correlationId: number, body: readonly number[]): Uint8Array {
  const head = Buffer.alloc(4);
  head.writeInt32BE(correlationId);
  return reframed(Buffer.concat([head, Buffer.from(body)]));
}

test("answers in order are good, and so is an end with one line", async () => {
  expect(await verdict([goodAnswer, probeAnswer])).toBe("good");
  const ended = { closes: true, lines: [line] };
  expect(await verdict([], ended)).toBe("good");
  expect(await verdict([goodAnswer], ended)).toBe("good");
});

describe("the judge finds", () => {
  test.each([
    ["nothing answered", [], {}, "neither answered nor closed"],
    ["the last left out", [goodAnswer], {}, "neither answered nor closed"],
    ["one left out", [probeAnswer], {}, "not its turn"],
    ["another's id", [answerOf(8, [0, 0]), probeAnswer], {}, "not its turn"],
    ["the wrong order", [probeAnswer, goodAnswer], {}, "not its turn"],
    ["a short answer", [answerOf(7, [0]), probeAnswer], {}, "bytes needed"],
    ["a long one", [answerOf(7, [0, 0, 0]), probeAnswer], {}, "bytes behind"],
    [
      "unknown server error",
      [answerOf(7, [255, 255]), probeAnswer],
      {},
      "unknown server error",
    ],
    ["an end without a line", [], { closes: true }, "closed, and 0 lines"],
    [
      "an end with two",
      [],
      { closes: true, lines: [line, line] },
      "closed, and 2 lines",
    ],
    [
      "a line about nothing",
      [goodAnswer, probeAnswer],
      { lines: [line] },
      "open, and 1 lines",
    ],
    [
      "a fault of ours",
      [],
      { closes: true, lines: [{ ...line, level: "error" as const }] },
      "log: error",
    ],
  ])("%s", async (_what, answers, how, reason) => {
    expect(await verdict(answers, how)).toContain(reason);
  });
});
