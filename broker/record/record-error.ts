/**
 * What is wrong with the records of a batch: the one error of this folder.
 *
 * It is handed back as a value, never thrown: bad records are a stranger's, and
 * whoever reads them decides what becomes of them. It is an `Error` so that it
 * can be the cause of one that is thrown further up.
 */

export type RecordErrorCode =
  /** Not what the format says: cut short, a size that cannot be, a codec's complaint. */
  | "corrupt-records"
  /** Inflated they would be larger than the reader allows. */
  | "records-too-large"
  /** A codec nobody knows, or whose library is not there. */
  | "unsupported-compression";

export class RecordError extends Error {
  override readonly name = "RecordError";
  readonly code: RecordErrorCode;

  constructor(code: RecordErrorCode, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.code = code;
  }
}

export function corrupt(detail: string, cause?: unknown): RecordError {
  return new RecordError(
    "corrupt-records",
    detail,
    cause === undefined ? undefined : { cause },
  );
}

export function tooLarge(sizeBytesMax: number): RecordError {
  return new RecordError(
    "records-too-large",
    `records inflate to more than ${sizeBytesMax} bytes`,
  );
}
