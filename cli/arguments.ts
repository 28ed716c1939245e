/** What the values of options may be. What is refused here is a mistake of usage. */
import { InvalidArgumentError } from "commander";

const PORT_MAX = 65_535;

export function parsePort(text: string): number {
  const port = parseCount(text);
  if (port > PORT_MAX) throw new InvalidArgumentError("It is above 65535.");
  return port;
}

/** A whole number from 0 on. */
export function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(count)) {
    throw new InvalidArgumentError("It is not a whole number.");
  }
  return count;
}

export function parseCountFromOne(text: string): number {
  const count = parseCount(text);
  if (count === 0) throw new InvalidArgumentError("It must be at least 1.");
  return count;
}

export interface HostAndPort {
  readonly host: string;
  readonly port: number | null;
}

/** `host`, `host:port`, `[::1]`, `[::1]:port`. */
export function parseHostAndPort(text: string): HostAndPort {
  const match = /^(?:\[([^\]]+)\]|([^:[\]\s/]+))(?::(\d+))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined) {
    throw new InvalidArgumentError("It is not host:port.");
  }
  const port = match?.[3];
  return { host, port: port === undefined ? null : parsePort(port) };
}

/** The same where nobody but the user can know the port. */
export function parseHostWithPort(text: string): HostAndPort {
  const address = parseHostAndPort(text);
  if (address.port === null) {
    throw new InvalidArgumentError(`It has no port: say ${text}:9092.`);
  }
  return address;
}

/** Gathers `name=value` of an option that may be given more than once. */
export function gatherPairs(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("It is not name=value.");
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** The same where a name may come more than once, in order. */
export function gatherPairList(
  text: string,
  before: readonly (readonly [string, string])[] = [],
): readonly (readonly [string, string])[] {
  const [pair] = Object.entries(gatherPairs(text));
  return pair === undefined ? before : [...before, pair];
}

/** Gathers numbers of an option that may be given more than once, or as a list. */
export function gatherCounts(
  text: string,
  before: readonly number[] = [],
): readonly number[] {
  return [...before, ...text.split(",").map(parseCount)];
}

/** Gathers words of an option that may be given more than once. */
export function gatherWords(
  text: string,
  before: readonly string[] = [],
): readonly string[] {
  return [...before, text];
}

const escapes: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  "0": "\0",
  "\\": "\\",
};

/** Text in which `\t`, `\n`, `\r`, `\0` and `\\` stand for what they stand for in most shells. */
export function parseEscapes(text: string): string {
  return text.replace(/\\([nrt0\\])/g, (_all, letter: string) => {
    return escapes[letter] ?? letter;
  });
}

export function parseSeparator(text: string): string {
  const separator = parseEscapes(text);
  if (separator === "") throw new InvalidArgumentError("It is empty.");
  return separator;
}
