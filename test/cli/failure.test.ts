import { describe, expect, test } from "vitest";
import { BrokerError } from "../../broker/errors.ts";
import {
  CliFailure,
  describeFailure,
  usageFailure,
} from "../../cli/failure.ts";
import { ClientError } from "../../client/errors.ts";

describe("describeFailure", () => {
  test("says on one line what is wrong and what to do", () => {
    const error = new CliFailure("first\n  second", "do that");
    expect(describeFailure(error)).toEqual({
      line: "millrace: first second; do that",
      exitCode: 1,
    });
  });

  test("has an exit code of its own for what was not asked for rightly", () => {
    expect(describeFailure(usageFailure("a and b")).exitCode).toBe(2);
    expect(
      describeFailure(new BrokerError("invalid-option", "no")).exitCode,
    ).toBe(2);
  });

  test.each([
    [new BrokerError("directory-too-new", "x"), "newer"],
    [new BrokerError("directory-unusable", "x"), "millrace verify"],
    [new BrokerError("listen-failed", "x"), "--port"],
    [new ClientError("broker-unreachable", "x"), "millrace serve"],
    [
      new ClientError("refused", "x", { answer: "unknown-topic-or-partition" }),
      "topics list",
    ],
    [new ClientError("refused", "x", { answer: "non-empty-group" }), "members"],
    [
      new ClientError("refused", "x", { answer: "coordinator-not-available" }),
      "broker's log",
    ],
  ])("knows what to do about %o", (error, advice) => {
    const { line, exitCode } = describeFailure(error);
    expect(line).toContain(advice);
    expect(exitCode).toBe(1);
  });

  test("tells errors of the system from bugs", () => {
    const missing = Object.assign(new Error("ENOENT: no such file, open 'x'"), {
      code: "ENOENT",
    });
    expect(describeFailure(missing).line).toBe(
      "millrace: ENOENT: no such file, open 'x'",
    );
    expect(describeFailure(new TypeError("oops")).line).toContain(
      "internal error: oops",
    );
    expect(describeFailure("text").line).toBe("millrace: text");
  });
});
