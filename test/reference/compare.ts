/**
 * Holds a declared message against Kafka's own definition of it.
 *
 * Both are walked side by side, field by field, in wire order. Version ranges
 * are compared within the versions that the message declares, and a field that
 * exists in none of those must not be declared.
 */
import type { AnyField, Fields, Message } from "../../broker/wire/schema.ts";
import {
  parseVersions,
  type VersionRange,
} from "../../broker/wire/versions.ts";
import type { ReferenceField, ReferenceMessage } from "./derive.ts";

/** What differs, one line each, with the path of the field. Empty: nothing does. */
export function differencesFrom(
  reference: ReferenceMessage,
  declared: Message,
): string[] {
  const versions = declared.versions;
  const valid = parseVersions(reference.validVersions);
  const { fields, name } = declared;
  return [
    ...differing(`${name} apiKey`, reference.apiKey ?? null, declared.apiKey),
    ...(versions.first >= valid.first && versions.last <= valid.last
      ? []
      : [`${name}: declares ${show(versions)}, Kafka has ${show(valid)}`]),
    ...differing(
      `${name} flexible`,
      show(within(parseVersions(reference.flexibleVersions), versions)),
      show(within(declared.flexible, versions)),
    ),
    ...fieldDifferences(name, reference.fields, fields, versions),
  ];
}

function fieldDifferences(
  path: string,
  references: readonly ReferenceField[],
  declared: Fields,
  parentVersions: VersionRange,
): string[] {
  const present = references.filter(
    ({ versions }) => !isEmpty(within(parseVersions(versions), parentVersions)),
  );
  const differences = differing(
    `${path} fields in order`,
    present.map(({ name }) => lowerFirst(name)).join(" "),
    Object.keys(declared).join(" "),
  );
  for (const reference of present) {
    const name = lowerFirst(reference.name);
    const field = declared[name];
    if (field === undefined) continue;
    differences.push(
      ...oneFieldDifferences(
        `${path}.${name}`,
        reference,
        field,
        parentVersions,
      ),
    );
  }
  return differences;
}

function oneFieldDifferences(
  path: string,
  reference: ReferenceField,
  { spec }: AnyField,
  parentVersions: VersionRange,
): string[] {
  const versions = within(parseVersions(reference.versions), parentVersions);
  const clip = (text: string | undefined) =>
    show(within(parseVersions(text ?? "none"), versions));
  return [
    ...differing(`${path} type`, reference.type, typeText(spec.type)),
    ...differing(
      `${path} versions`,
      show(versions),
      show(within(spec.versions, parentVersions)),
    ),
    ...differing(
      `${path} nullable`,
      clip(reference.nullableVersions),
      show(within(spec.nullable, versions)),
    ),
    ...differing(`${path} tag`, reference.tag ?? null, spec.tag),
    ...differing(
      `${path} tagged`,
      clip(reference.taggedVersions),
      show(within(spec.tagged, versions)),
    ),
    ...differing(`${path} default`, defaultIn(reference), spec.default),
    ...differing(
      `${path} flexible`,
      reference.flexibleVersions === undefined
        ? null
        : clip(reference.flexibleVersions),
      spec.flexible && show(within(spec.flexible, versions)),
    ),
    ...(reference.fields === undefined
      ? []
      : fieldDifferences(
          path,
          reference.fields,
          structOf(spec.type),
          versions,
        )),
  ];
}

/** A default as a value: the definitions write most of them as text. */
function defaultIn({ type, default: value }: ReferenceField): unknown {
  if (value === undefined || typeof value !== "string") return value;
  if (value === "null") return null;
  if (type === "string") return value;
  return type === "bool" ? value === "true" : Number(value);
}

/** As the table writes types. An element that is itself null or versioned is no Kafka type. */
function typeText(type: AnyField["spec"]["type"]): string {
  if (type.kind !== "array") return type.kind;
  const { spec } = type.element;
  const isPlain = isEmpty(spec.nullable) && show(spec.versions) === "0+";
  return `[]${isPlain ? "" : "versioned "}${typeText(spec.type)}`;
}

function structOf(type: AnyField["spec"]["type"]): Fields {
  if (type.kind === "struct") return type.fields;
  return type.kind === "array" ? structOf(type.element.spec.type) : {};
}

function differing(what: string, kafka: unknown, ours: unknown): string[] {
  return Object.is(kafka, ours)
    ? []
    : [`${what}: Kafka ${String(kafka)}, declared ${String(ours)}`];
}

function within(range: VersionRange, bounds: VersionRange): VersionRange {
  return {
    first: Math.max(range.first, bounds.first),
    last: Math.min(range.last, bounds.last),
  };
}

function isEmpty({ first, last }: VersionRange): boolean {
  return last < first;
}

function show(range: VersionRange): string {
  if (isEmpty(range)) return "none";
  return range.last === Infinity
    ? `${range.first}+`
    : `${range.first}-${range.last}`;
}

function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}
