/**
 * The language in which messages are declared: values that are types.
 *
 * One declaration stands for all versions of a message. A struct's keys are its
 * fields in wire order; each field may say in which versions it exists
 * (`versions`), may be null (`nullable`) and is tagged (`tagged`), as Kafka's
 * definitions do. `Infer` is what decoding yields, `Input` what encoding
 * accepts. Nothing here reads or writes bytes.
 *
 * Names are Kafka's with the first letter lowered, nothing else changed:
 * `TopicId` is `topicId`, `KRaftVersion` is `kRaftVersion`.
 *
 * Values: all integers are `number` (an int64 reads as the nearest double, and
 * only a safe integer may be written); a `uuid` is text in Kafka's form, 22
 * letters of base64url, so that ids compare with `===` and serve as map keys;
 * `bytes` and `records` are views of what was read. `records` may be written
 * from a `Payload`, by reference.
 *
 * Defaults are those of Kafka's generator: zero, false, empty, the zero uuid, a
 * struct of defaults, null for `records`; null elsewhere only where a field
 * says `.default(null)`. A field absent from a version decodes to its default
 * and is not written. Keys whose default is declared, and tagged ones, may be
 * left out of what is encoded.
 */
import { EMPTY_BYTES } from "../lib/bytes.ts";
import type { Payload } from "../lib/payload.ts";
import {
  ALL_VERSIONS,
  NO_VERSIONS,
  parseVersions,
  type VersionRange,
} from "./versions.ts";

export const ZERO_UUID = "AAAAAAAAAAAAAAAAAAAAAA";

/** The types without parts. */
export type ScalarKind =
  | "bool"
  | "int8"
  | "int16"
  | "uint16"
  | "int32"
  | "uint32"
  | "int64"
  | "float64"
  | "uuid"
  | "string"
  | "bytes"
  | "records";

export type WireType =
  | { readonly kind: ScalarKind }
  | { readonly kind: "array"; readonly element: AnyField }
  | { readonly kind: "struct"; readonly fields: Fields };

export interface FieldSpec {
  readonly type: WireType;
  readonly versions: VersionRange;
  readonly nullable: VersionRange;
  /** Null for a field that no version tags. */
  readonly tag: number | null;
  readonly tagged: VersionRange;
  /** Undefined until `default` was called: the type's own default holds. */
  readonly default: unknown;
  /** The versions that write this field the flexible way; null: as the message. */
  readonly flexible: VersionRange | null;
}

/** A type in a message, with what versions do to it. Each modifier answers a new one. */
export class Field<Out, In = Out, IsOptional extends boolean = false> {
  declare readonly $out: Out;
  declare readonly $in: In;
  declare readonly $optional: IsOptional;

  readonly spec: FieldSpec;

  constructor(spec: FieldSpec) {
    this.spec = spec;
  }

  /** May be null, in all versions or in those named. */
  nullable(versions?: string): Field<Out | null, In | null, IsOptional> {
    return new Field({
      ...this.spec,
      nullable: versions === undefined ? ALL_VERSIONS : parseVersions(versions),
    });
  }

  /** Exists in these versions only. */
  versions(versions: string): Field<Out, In, IsOptional> {
    return new Field({ ...this.spec, versions: parseVersions(versions) });
  }

  /** Is a tagged field in these versions (KIP-482): written only when it differs from its default. */
  tagged(tag: number, versions: string): Field<Out, In, true> {
    const tagged = parseVersions(versions);
    // As in Kafka, a field that names no versions exists where it is tagged.
    const { versions: own } = this.spec;
    const exists = own === ALL_VERSIONS ? tagged : own;
    return new Field({ ...this.spec, tag, tagged, versions: exists });
  }

  default(value: Out): Field<Out, In, true> {
    return new Field({ ...this.spec, default: value });
  }

  /** Written the flexible way in these versions, whatever the message says. */
  flexible(versions: string): Field<Out, In, IsOptional> {
    return new Field({ ...this.spec, flexible: parseVersions(versions) });
  }
}

export type AnyField = Field<unknown, unknown, boolean>;
export type Fields = { readonly [name: string]: AnyField };

export type FieldsOut<F extends Fields> = {
  readonly [K in keyof F]: F[K]["$out"];
};

type OptionalKey<F extends Fields> = {
  [K in keyof F]: F[K]["$optional"] extends true ? K : never;
}[keyof F];

export type FieldsIn<F extends Fields> = {
  readonly [K in Exclude<keyof F, OptionalKey<F>>]: F[K]["$in"];
} & { readonly [K in OptionalKey<F>]?: F[K]["$in"] };

/** A message for all its versions. */
export interface Message<F extends Fields = Fields> {
  /** Null for what is no request or response. */
  readonly apiKey: number | null;
  readonly name: string;
  readonly versions: VersionRange;
  readonly flexible: VersionRange;
  readonly fields: F;
}

/** What decoding a message, or a field of one, yields. */
export type Infer<T extends Message | AnyField> =
  T extends Field<infer Out, infer _In, infer _IsOptional>
    ? Out
    : T extends Message<infer F>
      ? FieldsOut<F>
      : never;

/** What encoding a message, or a field of one, accepts: all that `Infer` yields, and more. */
export type Input<T extends Message | AnyField> =
  T extends Field<infer _Out, infer In, infer _IsOptional>
    ? In
    : T extends Message<infer F>
      ? FieldsIn<F>
      : never;

export function message<const F extends Fields>(declaration: {
  readonly apiKey?: number;
  readonly name: string;
  readonly versions: string;
  readonly flexible: string;
  readonly fields: F;
}): Message<F> {
  return {
    apiKey: declaration.apiKey ?? null,
    name: declaration.name,
    versions: parseVersions(declaration.versions),
    flexible: parseVersions(declaration.flexible),
    fields: declaration.fields,
  };
}

function fieldOf<Out, In = Out>(type: WireType): Field<Out, In> {
  return new Field({
    type,
    versions: ALL_VERSIONS,
    nullable: NO_VERSIONS,
    tag: null,
    tagged: NO_VERSIONS,
    default: undefined,
    flexible: null,
  });
}

export const bool = fieldOf<boolean>({ kind: "bool" });
export const int8 = fieldOf<number>({ kind: "int8" });
export const int16 = fieldOf<number>({ kind: "int16" });
export const uint16 = fieldOf<number>({ kind: "uint16" });
export const int32 = fieldOf<number>({ kind: "int32" });
export const uint32 = fieldOf<number>({ kind: "uint32" });
export const int64 = fieldOf<number>({ kind: "int64" });
export const float64 = fieldOf<number>({ kind: "float64" });
export const uuid = fieldOf<string>({ kind: "uuid" });
export const string = fieldOf<string>({ kind: "string" });
export const bytes = fieldOf<Uint8Array>({ kind: "bytes" });
/** Record batches. Not nullable unless said so, but null by default, as Kafka has it. */
export const records = fieldOf<Uint8Array | null, Uint8Array | Payload | null>({
  kind: "records",
});

export function array<E extends AnyField>(
  element: E,
): Field<readonly E["$out"][], readonly E["$in"][]> {
  return fieldOf({ kind: "array", element });
}

export function struct<const F extends Fields>(
  fields: F,
): Field<FieldsOut<F>, FieldsIn<F>> {
  return fieldOf({ kind: "struct", fields });
}

/** The default of a field, by Kafka's rules. Structs and arrays are new at each call. */
export function defaultOf(field: AnyField): unknown {
  const { type, default: declared } = field.spec;
  if (declared !== undefined) return declared;
  switch (type.kind) {
    case "bool":
      return false;
    case "string":
      return "";
    case "uuid":
      return ZERO_UUID;
    case "bytes":
      return EMPTY_BYTES;
    case "records":
      return null;
    case "array":
      return [];
    case "struct":
      return Object.fromEntries(
        Object.entries(type.fields).map(([name, inner]) => [
          name,
          defaultOf(inner),
        ]),
      );
    default:
      return 0;
  }
}
