/** Writes records to the output, a batch at a time, up to a count. */
import type { RawRecord } from "../client/index.ts";
import type { Output } from "./output.ts";
import { formatRecord, parseFormat } from "./record-format.ts";
import { formatJsonRecord } from "./record-json.ts";

export interface PrintOptions {
  readonly json?: boolean;
  readonly format?: string;
  readonly keySeparator?: string;
}

export class RecordPrinter {
  readonly #output: Output;
  readonly #piecesOf: (record: RawRecord) => readonly Uint8Array[];
  readonly #countMax: number;
  #pieces: Uint8Array[] = [];
  #count = 0;

  /** Throws commander's `InvalidArgumentError` for a format that is none. */
  constructor(output: Output, options: PrintOptions, countMax: number) {
    this.#output = output;
    this.#piecesOf = piecesOf(options);
    this.#countMax = countMax;
  }

  /** Nothing more is to be printed. */
  get isDone(): boolean {
    return this.#count >= this.#countMax || this.#output.closed.aborted;
  }

  get count(): number {
    return this.#count;
  }

  print(record: RawRecord): void {
    this.#pieces.push(...this.#piecesOf(record));
    this.#count++;
  }

  async flush(): Promise<void> {
    const pieces = this.#pieces;
    this.#pieces = [];
    await this.#output.write(Buffer.concat(pieces));
  }
}

function piecesOf(options: PrintOptions) {
  if (options.json) {
    return (record: RawRecord) => [
      Buffer.from(`${formatJsonRecord(record)}\n`),
    ];
  }
  const separator = options.keySeparator;
  const keyed =
    separator === undefined
      ? "%s\n"
      : `%k${separator.replaceAll("%", "%%")}%s\n`;
  const format = parseFormat(options.format ?? keyed);
  return (record: RawRecord) => formatRecord(format, record);
}
