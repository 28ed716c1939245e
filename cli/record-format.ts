/**
 * How a record is printed: by a format in kcat's letters.
 *
 *   %t topic  %p partition  %o offset  %T timestamp, ms
 *   %k key    %s value      %K %S their sizes in bytes, -1 for null
 *   %h headers, name=value,name=value      %% a percent sign
 *
 * Keys and values are written byte by byte as they are.
 */
import { InvalidArgumentError } from "commander";
import type { RawRecord } from "../client/index.ts";
import { parseEscapes } from "./arguments.ts";

/** One field: text that stands for itself, or something of the record. */
type Piece = (record: RawRecord) => string | Uint8Array;

export type RecordFormat = readonly Piece[];

const EMPTY = new Uint8Array(0);

const letters: Readonly<Record<string, Piece>> = {
  t: ({ topic }) => topic,
  p: ({ partition }) => String(partition),
  o: ({ offset }) => String(offset),
  T: ({ timestamp }) => String(timestamp),
  k: ({ key }) => key ?? EMPTY,
  s: ({ value }) => value ?? EMPTY,
  K: ({ key }) => String(key?.length ?? -1),
  S: ({ value }) => String(value?.length ?? -1),
  h: ({ headerList }) =>
    headerList
      .map(({ name, value }) => {
        const text = value === null ? "NULL" : Buffer.from(value).toString();
        return `${name}=${text}`;
      })
      .join(","),
  "%": () => "%",
};

/** Throws commander's `InvalidArgumentError` for a letter that stands for nothing. */
export function parseFormat(text: string): RecordFormat {
  const pieces: Piece[] = [];
  for (const [part] of text.matchAll(/%.?|[^%]+/gsu)) {
    if (!part.startsWith("%")) {
      const literal = parseEscapes(part);
      pieces.push(() => literal);
      continue;
    }
    const piece = letters[part.slice(1)];
    if (piece === undefined) {
      throw new InvalidArgumentError(
        `It has ${part}, which stands for nothing.`,
      );
    }
    pieces.push(piece);
  }
  return pieces;
}

export function formatRecord(
  format: RecordFormat,
  record: RawRecord,
): readonly Uint8Array[] {
  return format.map((piece) => {
    const part = piece(record);
    return typeof part === "string" ? Buffer.from(part) : part;
  });
}
