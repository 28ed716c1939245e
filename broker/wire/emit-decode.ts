/**
 * Writes the source of a decoder for Kafka's format, the counterpart of
 * emit-encode.ts.
 *
 * Each struct and each array becomes a function `decode_<path>(r)`. One check
 * of the end covers all values of fixed size that follow each other. Every
 * struct is made by one object literal with all its keys in the order declared,
 * whatever the version, so that V8 sees one shape.
 */
import { defaultSource } from "./emit-default.ts";
import {
  taggedFields,
  tagOf,
  type ArrayPlan,
  type FieldPlan,
  type StructPlan,
  type ValuePlan,
} from "./plan.ts";
import type { ScalarKind } from "./schema.ts";

/** The functions of a message; the entry is `decode_message`. */
export function emitDecoder(plan: StructPlan): string {
  const functions: string[] = [];
  emitStruct(plan, functions);
  return functions.join("\n");
}

function emitStruct(plan: StructPlan, functions: string[]): void {
  const lines: string[] = ["const b = r.bytes;"];
  let run: FieldPlan[] = [];
  let runCount = 0;
  const closeRun = (): void => {
    if (run.length > 0) lines.push(...fixedRun(run, `p${runCount++}`));
    run = [];
  };
  for (const field of plan.fields) {
    if (field.place !== "plain") continue;
    if (field.value.fixedSize !== null && field.value.kind !== "struct") {
      run.push(field);
    } else {
      closeRun();
      const value = expression(field.value, functions);
      lines.push(`const $${field.name} = ${value};`);
    }
  }
  closeRun();
  if (plan.hasTagSection) lines.push(...tagSection(plan, functions));
  const keys = plan.fields.map(({ name, field, place }) =>
    place === "absent"
      ? `${name}: ${defaultSource(field)}`
      : `${name}: $${name}`,
  );
  lines.push(`return { ${keys.join(", ")} };`);
  functions.push(`function decode_${plan.path}(r) {\n${lines.join("\n")}\n}`);
}

/** Loads at positions known now, behind one check of the end. */
function fixedRun(run: readonly FieldPlan[], start: string): string[] {
  let sizeBytes = 0;
  const loads: string[] = [];
  for (const { name, value } of run) {
    if (value.kind === "struct" || value.kind === "array") continue;
    const position = `${start} + ${sizeBytes}`;
    loads.push(`const $${name} = ${load(value.kind, position)};`);
    sizeBytes += value.leastSize;
  }
  return [`const ${start} = r.take(${sizeBytes});`, ...loads];
}

function load(kind: ScalarKind, position: string): string {
  switch (kind) {
    case "bool":
      return `b[${position}] !== 0`;
    case "int8":
      return `readInt8(b, ${position})`;
    case "int16":
      return `readInt16(b, ${position})`;
    case "uint16":
      return `readUint16(b, ${position})`;
    case "int32":
      return `readInt32(b, ${position})`;
    case "uint32":
      return `readUint32(b, ${position})`;
    case "int64":
      return `readInt64(b, ${position})`;
    case "float64":
      return `r.float64(${position})`;
    case "uuid":
      return `r.uuid(${position})`;
    default:
      throw new TypeError(`${kind} has no fixed size`);
  }
}

/** An expression that reads one value by itself; `b` is in scope. */
function expression(plan: ValuePlan, functions: string[]): string {
  if (plan.kind === "array") {
    emitArray(plan, functions);
    return `decode_${plan.path}(r)`;
  }
  if (plan.kind === "struct") {
    emitStruct(plan, functions);
    const decode = `decode_${plan.path}(r)`;
    return plan.isNullable ? `r.int8() < 0 ? null : ${decode}` : decode;
  }
  const compact = plan.isCompact;
  switch (plan.kind) {
    case "string":
      return `r.${compact ? "compactString" : "string"}(${plan.isNullable})`;
    case "bytes":
    case "records":
      return `r.${compact ? "compactByteView" : "byteView"}(${plan.isNullable})`;
    default:
      return load(plan.kind, `r.take(${plan.leastSize})`);
  }
}

function emitArray(plan: ArrayPlan, functions: string[]): void {
  const { element } = plan;
  const count = plan.isCompact ? "compactCount" : "count";
  const isScalar = element.kind !== "struct" && element.kind !== "array";
  // Numbers are checked all at once.
  const loop =
    isScalar && element.fixedSize !== null
      ? `let p = r.take(n * ${element.fixedSize});
for (let i = 0; i < n; i++) { array[i] = ${load(element.kind, "p")}; p += ${element.fixedSize}; }`
      : `for (let i = 0; i < n; i++) array[i] = ${expression(element, functions)};`;
  functions.push(`function decode_${plan.path}(r) {
const n = r.${count}(${plan.isNullable}, ${element.leastSize});
if (n < 0) return null;
const b = r.bytes;
const array = new Array(n);
${loop}
return array;
}`);
}

/** Tags come in any order, as in Kafka; unknown ones are passed over. */
function tagSection(plan: StructPlan, functions: string[]): string[] {
  const tagged = taggedFields(plan);
  if (tagged.length === 0) return ["r.skipTags();"];
  const cases = tagged.map((field) => {
    const value = taggedExpression(field.value, functions);
    return `case ${tagOf(field)}: $${field.name} = ${value}; break;`;
  });
  return [
    ...tagged.map(
      ({ name, field }) => `let $${name} = ${defaultSource(field)};`,
    ),
    "for (let tags = r.unsignedVarint(); tags > 0; tags--) {",
    "const tag = r.unsignedVarint(), end = r.tagEnd();",
    "switch (tag) {",
    ...cases,
    "default: r.position = end;",
    "}",
    "r.checkTagEnd(end);",
    "}",
  ];
}

/** A tagged struct that may be null says so in a varint, not in an int8. */
function taggedExpression(plan: ValuePlan, functions: string[]): string {
  if (plan.kind !== "struct" || !plan.isNullable) {
    return expression(plan, functions);
  }
  emitStruct(plan, functions);
  return `r.unsignedVarint() === 0 ? null : decode_${plan.path}(r)`;
}
