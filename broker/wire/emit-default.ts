/**
 * Defaults as source text: an expression that makes one, and one that knows one.
 *
 * Kafka writes a tagged field only when it differs from its default, and a
 * struct is the default when all its fields are, whichever version they belong to.
 */
import { ZERO_UUID, type AnyField } from "./schema.ts";

/** An expression for the field's default; arrays and structs are new each time. */
export function defaultSource(field: AnyField): string {
  const { type, default: declared } = field.spec;
  if (declared === null) return "null";
  switch (type.kind) {
    case "array":
      return "[]";
    case "struct":
      return structDefault(type.fields);
    case "bytes":
      return "EMPTY_BYTES";
    case "records":
      return "null";
    case "bool":
      return String(declared === true);
    case "string":
      return JSON.stringify(declared ?? "");
    case "uuid":
      return JSON.stringify(declared ?? ZERO_UUID);
    default:
      return String(declared ?? 0);
  }
}

/** The value of a field of `v`, or its default where the caller may leave it out. */
export function inputSource(name: string, field: AnyField): string {
  const isOptional =
    field.spec.default !== undefined || field.spec.tag !== null;
  if (!isOptional) return `v.${name}`;
  return `(v.${name} === undefined ? ${defaultSource(field)} : v.${name})`;
}

/** A condition: is the value at `access`, a path of properties, the field's default? */
export function isDefaultSource(field: AnyField, access: string): string {
  return `(${access} === undefined || ${isDefault(field, access)})`;
}

function isDefault(field: AnyField, access: string): string {
  const { type, default: declared } = field.spec;
  if (declared === null || type.kind === "records") return `${access} === null`;
  if (type.kind === "array" || type.kind === "bytes") {
    return `(${access} !== null && ${access}.length === 0)`;
  }
  if (type.kind !== "struct") return `${access} === ${defaultSource(field)}`;
  const inner = Object.entries(type.fields).map(([name, one]) =>
    isDefaultSource(one, `${access}.${name}`),
  );
  return `(${[`${access} !== null`, ...inner].join(" && ")})`;
}

function structDefault(fields: Readonly<Record<string, AnyField>>): string {
  const inner = Object.entries(fields).map(
    ([name, field]) => `${name}: ${defaultSource(field)}`,
  );
  return `{ ${inner.join(", ")} }`;
}
