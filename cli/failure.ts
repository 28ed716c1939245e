/**
 * How a command fails: one line that says what is wrong and what to do, and an
 * exit code. 0: done; 1: it could not be done; 2: it was not asked for rightly.
 */
import { debuglog } from "node:util";

/** Something the user can act on. */
export class CliFailure extends Error {
  /** What to do, as a clause behind the message; empty where there is nothing to do. */
  readonly advice: string;
  readonly exitCode: 1 | 2;

  constructor(message: string, advice = "", exitCode: 1 | 2 = 1) {
    super(message);
    this.name = "CliFailure";
    this.advice = advice;
    this.exitCode = exitCode;
  }
}

/** Options that do not go together; single ones are checked by their parsers. */
export function usageFailure(message: string): CliFailure {
  return new CliFailure(message, "see --help", 2);
}

export interface DescribedFailure {
  /** Without a line break. */
  readonly line: string;
  readonly exitCode: 1 | 2;
}

/** What to do about the broker's and the client's errors, by their codes. */
const adviceByCode: Readonly<Record<string, string>> = {
  "broker-unreachable":
    "start one with `millrace serve`, or name another with --broker host:port",
  "timed-out": "see whether the broker is overloaded, and try again",
  "protocol-violation":
    "see whether a broker listens there, and with kafka://host:port if it is Kafka",
  "not-supported": "use a Millrace broker for this",
  "corrupt-batch": "look at the file with `millrace inspect`",
  "directory-in-use": "stop the other broker, or choose another --dir",
  "directory-too-new":
    "install the release that wrote it, or a newer one, or choose another --dir",
  "directory-unusable":
    "see that the directory can be written, and what `millrace verify` says of it",
  "listen-failed": "see --port and --host",
  "invalid-option": "see `millrace serve --help`",
};

/** The same for what a broker refuses. */
const adviceByAnswer: Readonly<Record<string, string>> = {
  "unknown-topic-or-partition": "see `millrace topics list`",
  "topic-already-exists": "choose another name, or add --if-not-exists",
  "invalid-topic": "use letters, digits, dots, underscores and hyphens",
  "non-empty-group": "stop the group's members first",
  "group-id-not-found": "see `millrace groups list`",
  "coordinator-loading": "try again in a moment",
  "coordinator-not-available":
    "try again in a moment; if it stays so, see the broker's log",
  "storage-offline": "see the broker's log: its disk failed or is full",
};

const debug = debuglog("millrace");

export function describeFailure(error: unknown): DescribedFailure {
  debug("%o", error);
  if (!(error instanceof Error)) return line(String(error), "", 1);
  if (error instanceof CliFailure) {
    return line(error.message, error.advice, error.exitCode);
  }
  const { code, answer } = codesOf(error);
  if (error.name === "ClientError" || error.name === "BrokerError") {
    const advice = adviceByAnswer[answer] ?? adviceByCode[code] ?? "";
    return line(error.message, advice, code === "invalid-option" ? 2 : 1);
  }
  // Of the operating system: its message names the call, the code and the path.
  if (/^E[A-Z]+$/.test(code)) return line(error.message, "", 1);
  return line(
    `internal error: ${error.message}`,
    "run it with NODE_DEBUG=millrace to see where",
    1,
  );
}

function codesOf(error: Error): {
  readonly code: string;
  readonly answer: string;
} {
  const textOf = (value: unknown) => (typeof value === "string" ? value : "");
  return {
    code: "code" in error ? textOf(error.code) : "",
    answer: "answer" in error ? textOf(error.answer) : "",
  };
}

function line(
  message: string,
  advice: string,
  exitCode: 1 | 2,
): DescribedFailure {
  const said = advice === "" ? message : `${message}; ${advice}`;
  return { line: `millrace: ${said.replace(/\s*\n\s*/g, " ")}`, exitCode };
}
