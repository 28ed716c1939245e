/**
 * One value of a configuration: text as a client sent it, checked against its
 * rule, and brought to the form in which it is stored, echoed and compared.
 *
 * What is accepted and how it is written is Kafka's `ConfigDef.parseType`:
 * blanks around are cut, `+7` is 7, `TRUE` is true. Whole numbers stay text and
 * are compared as bigint, since Kafka's defaults reach 2^63-1.
 */

export type ConfigType =
  "boolean" | "string" | "int" | "long" | "double" | "list";

export interface ValueRule {
  readonly type: ConfigType;
  /** Bounds of a number, both inclusive. */
  readonly min?: number;
  readonly max?: number;
  /** One more number that is allowed outside the bounds. */
  readonly also?: number;
  /** The words allowed, for a string or each part of a list. */
  readonly allowed?: readonly string[];
}

export type CheckedValue =
  | { readonly error: null; readonly value: string }
  | { readonly error: "invalid-config"; readonly detail: string };

const INT_MIN = -(2n ** 31n);
const INT_MAX = 2n ** 31n - 1n;
const LONG_MIN = -(2n ** 63n);
const LONG_MAX = 2n ** 63n - 1n;
/** More digits than any long has: not handed to the bigint parser. */
const DIGITS_MAX = 40;

export function checkValue(
  name: string,
  rule: ValueRule,
  text: string,
): CheckedValue {
  const trimmed = text.trim();
  switch (rule.type) {
    case "boolean":
      return checkBoolean(name, trimmed);
    case "string":
      return checkWords(name, rule, [trimmed], trimmed);
    case "list": {
      const parts = listParts(trimmed);
      return checkWords(name, rule, parts, parts.join(","));
    }
    case "int":
      return checkWhole(name, rule, trimmed, INT_MIN, INT_MAX);
    case "long":
      return checkWhole(name, rule, trimmed, LONG_MIN, LONG_MAX);
    case "double":
      return checkDouble(name, rule, trimmed);
  }
}

/** A list's parts; none for an empty text. */
export function listParts(text: string): readonly string[] {
  const trimmed = text.trim();
  return trimmed === "" ? [] : trimmed.split(",").map((part) => part.trim());
}

function checkBoolean(name: string, text: string): CheckedValue {
  const lower = text.toLowerCase();
  return lower === "true" || lower === "false"
    ? { error: null, value: lower }
    : refused(name, text, "must be true or false");
}

function checkWords(
  name: string,
  rule: ValueRule,
  words: readonly string[],
  value: string,
): CheckedValue {
  const { allowed } = rule;
  if (allowed !== undefined) {
    const stranger = words.find((word) => !allowed.includes(word));
    if (stranger !== undefined) {
      return refused(name, stranger, `must be one of ${allowed.join(", ")}`);
    }
  }
  return { error: null, value };
}

function checkWhole(
  name: string,
  rule: ValueRule,
  text: string,
  least: bigint,
  most: bigint,
): CheckedValue {
  if (!/^[+-]?[0-9]+$/.test(text) || text.length > DIGITS_MAX) {
    return refused(name, text, `is not a number of type ${rule.type}`);
  }
  const number = BigInt(text.replace("+", ""));
  if (number < least || number > most) {
    return refused(name, text, `is not a number of type ${rule.type}`);
  }
  // Exact enough: every bound of the table is a small number.
  const range = rangeFault(rule, Number(number));
  return range === null
    ? { error: null, value: String(number) }
    : refused(name, text, range);
}

function checkDouble(
  name: string,
  rule: ValueRule,
  text: string,
): CheckedValue {
  // Java also takes a suffix that names the type.
  if (
    !/^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[dDfF]?$/.test(text)
  ) {
    return refused(name, text, "is not a number of type double");
  }
  const number = Number.parseFloat(text);
  const range = rangeFault(rule, number);
  if (range !== null) return refused(name, text, range);
  const isWhole = Number.isInteger(number);
  return { error: null, value: isWhole ? number.toFixed(1) : String(number) };
}

function rangeFault(rule: ValueRule, number: number): string | null {
  const { min, max, also } = rule;
  if (number === also) return null;
  const alternative = also === undefined ? "" : `, or ${also}`;
  if (min !== undefined && number < min) {
    return `must be at least ${min}${alternative}`;
  }
  if (max !== undefined && number > max) {
    return `must be at most ${max}${alternative}`;
  }
  return null;
}

function refused(name: string, text: string, why: string): CheckedValue {
  return {
    error: "invalid-config",
    detail: `Invalid value ${text} for configuration ${name}: ${why}`,
  };
}
