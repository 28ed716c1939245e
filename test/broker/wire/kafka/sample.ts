/**
 * A value for a message at one version, with something different in each field.
 *
 * Fields absent from the version hold their default, so that the value equals
 * what decoding its encoding yields.
 */
import {
  defaultOf,
  type AnyField,
  type Fields,
  type Message,
} from "../../../../broker/wire/schema.ts";
import { includesVersion } from "../../../../broker/wire/versions.ts";

export type Value = { readonly [name: string]: unknown };

export interface SampleOptions {
  /** Error codes are zero: some decoders throw at any other. */
  readonly isWithoutErrors?: boolean;
  readonly isWithoutNulls?: boolean;
  /** No records: for decoders that go on to parse them. */
  readonly isWithoutRecords?: boolean;
}

export function sampleOf(
  message: Message,
  version: number,
  options: SampleOptions = {},
): Value {
  let count = 0;
  return structSample(message.fields);

  function structSample(fields: Fields): Value {
    return Object.fromEntries(
      Object.entries(fields).map(([name, field]) => [
        name,
        includesVersion(field.spec.versions, version)
          ? fieldSample(name, field)
          : defaultOf(field),
      ]),
    );
  }

  function fieldSample(name: string, field: AnyField): unknown {
    const { type, nullable } = field.spec;
    count++;
    const mayBeNull = includesVersion(nullable, version);
    if (mayBeNull && options.isWithoutNulls !== true && count % 3 === 0) {
      return null;
    }
    if (name === "errorCode" && options.isWithoutErrors === true) return 0;
    switch (type.kind) {
      case "struct":
        return structSample(type.fields);
      case "array":
        return [fieldSample("", type.element), fieldSample("", type.element)];
      case "bool":
        return count % 2 === 0;
      case "int8":
        return (count % 100) - 3;
      case "int16":
      case "uint16":
        return 300 + count;
      case "int32":
      case "uint32":
        return 70_000 + count;
      case "int64":
        return 2 ** 40 + count;
      case "float64":
        return count + 0.5;
      case "uuid":
        return Buffer.alloc(16, count).toString("base64url");
      case "string":
        // Some longer than one byte of a compact size can say, some not ASCII.
        return `${"é".repeat(count % 5 === 0 ? 80 : 1)}text ${count}`;
      case "records":
      case "bytes":
        if (type.kind === "records" && options.isWithoutRecords === true) {
          return new Uint8Array(0);
        }
        return new Uint8Array(count % 7 === 0 ? 300 : 5).fill(count);
    }
  }
}
