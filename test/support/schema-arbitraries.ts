/**
 * Declarations nobody wrote, and values for any declaration: the material of
 * the codecs' property tests.
 */
import fc from "fast-check";
import * as schema from "../../broker/wire/schema.ts";
import {
  message,
  type AnyField,
  type Fields,
  type Message,
} from "../../broker/wire/schema.ts";
import { includesVersion } from "../../broker/wire/versions.ts";

/** Versions 0 to 3, the last two flexible. */
export const VERSIONS = [0, 1, 2, 3] as const;

const fixed = fc.constantFrom<AnyField>(
  schema.bool,
  schema.int8,
  schema.int16,
  schema.uint16,
  schema.int32,
  schema.uint32,
  schema.int64,
  schema.float64,
  schema.uuid,
  schema.int32.default(-1),
  schema.int64.default(-1),
  schema.bool.default(true),
);

const sized = fc.constantFrom<AnyField>(
  schema.string,
  schema.string.nullable(),
  schema.string.nullable().default(null),
  schema.string.nullable("1+"),
  schema.string.flexible("none"),
  schema.string.default("x"),
  schema.bytes,
  schema.bytes.nullable().default(null),
  schema.records.nullable(),
);

const scalar = fc.oneof(fixed, sized);

const range = fc.constantFrom("0+", "1+", "2+", "3+", "0-1", "1-2");

function fieldOf(depth: number): fc.Arbitrary<AnyField> {
  if (depth === 0) return scalar;
  const fields = fieldsOf(depth - 1);
  const struct = fields.map((drawn) => schema.struct(drawn));
  // Elements of an array take at least one byte.
  const element = fields.map((drawn) =>
    schema.struct({ head: schema.int8, ...drawn }),
  );
  return fc.oneof(
    scalar,
    struct,
    struct.map((one) => one.nullable()),
    struct.map((one) => one.nullable().default(null)),
    element.map((one) => schema.array(one)),
    element.map((one) => schema.array(one).nullable().default(null)),
    scalar.map((one) => schema.array(one).nullable("1+")),
    scalar.map((one) => schema.array(schema.array(one))),
  );
}

function fieldsOf(depth: number): fc.Arbitrary<Fields> {
  const one = fc.record({
    field: fieldOf(depth),
    versions: range,
    // A tagged field's tag is its place times three, downwards: order must not matter.
    isTagged: fc.boolean(),
  });
  return fc.array(one, { maxLength: 5 }).map((drawn) => {
    const fields: Record<string, AnyField> = {};
    for (const [index, { field, versions, isTagged }] of drawn.entries()) {
      const there = field.versions(versions);
      const tag = (drawn.length - index) * 3;
      fields[`f${index}`] = isTagged ? there.tagged(tag, "2+") : there;
    }
    return fields;
  });
}

export const anyMessage: fc.Arbitrary<Message> = fieldsOf(3).map((fields) =>
  message({ name: "Any", versions: "0-3", flexible: "2+", fields }),
);

/** Values that a message may have in a version. Absent fields have their defaults. */
export function valueOf(
  fields: Fields,
  version: number,
): fc.Arbitrary<Record<string, unknown>> {
  const arbitraries = Object.entries(fields).map(([name, field]) => {
    const isThere = includesVersion(field.spec.versions, version);
    return [
      name,
      isThere
        ? fieldValueOf(field, version)
        : fc.constant(schema.defaultOf(field)),
    ] as const;
  });
  return fc.record(Object.fromEntries(arbitraries), { noNullPrototype: true });
}

function fieldValueOf(field: AnyField, version: number): fc.Arbitrary<unknown> {
  const { type, nullable } = field.spec;
  const present = presentValueOf(type, version);
  const usual = fc.oneof(
    { weight: 4, arbitrary: present },
    { weight: 1, arbitrary: presentDefault(field, version, present) },
  );
  return includesVersion(nullable, version) ? fc.option(usual) : usual;
}

/** Defaults decide whether a tag is written, so they are drawn often. */
function presentDefault(
  field: AnyField,
  version: number,
  otherwise: fc.Arbitrary<unknown>,
): fc.Arbitrary<unknown> {
  const value = schema.defaultOf(field);
  if (value === null && !includesVersion(field.spec.nullable, version)) {
    return otherwise;
  }
  // A struct's own defaults may hold nulls that this version refuses.
  return field.spec.type.kind === "struct" ? otherwise : fc.constant(value);
}

function presentValueOf(
  type: AnyField["spec"]["type"],
  version: number,
): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case "bool":
      return fc.boolean();
    case "int8":
      return fc.integer({ min: -0x80, max: 0x7f });
    case "int16":
      return fc.integer({ min: -0x8000, max: 0x7fff });
    case "uint16":
      return fc.integer({ min: 0, max: 0xffff });
    case "int32":
      return fc.integer();
    case "uint32":
      return fc.integer({ min: 0, max: 0xffffffff });
    case "int64":
      return fc.maxSafeInteger();
    case "float64":
      // Zero has no sign here: -0 equals the default, as it does in Kafka.
      return fc.double({ noNaN: true }).map((value) => value + 0);
    case "uuid":
      return fc
        .uint8Array({ minLength: 16, maxLength: 16 })
        .map((bytes) => Buffer.from(bytes).toString("base64url"));
    case "string":
      return fc.oneof(
        fc.string({ maxLength: 60 }),
        fc.string({ unit: "grapheme", maxLength: 60 }),
      );
    case "bytes":
    case "records":
      return fc.uint8Array({ maxLength: 40 });
    case "array":
      return fc.array(fieldValueOf(type.element, version), { maxLength: 4 });
    case "struct":
      return valueOf(type.fields, version);
  }
}
