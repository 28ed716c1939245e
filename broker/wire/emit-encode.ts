/**
 * Writes the source of an encoder for Kafka's format: what a person would write
 * for this one message and version.
 *
 * Each struct and each array becomes a function `encode_<path>(w, v)`. Values of
 * fixed size that follow each other share one reservation, so that the code
 * between two strings is a handful of byte stores.
 */
import { inputSource, isDefaultSource } from "./emit-default.ts";
import {
  taggedFields,
  tagOf,
  type ArrayPlan,
  type FieldPlan,
  type StructPlan,
  type ValuePlan,
} from "./plan.ts";
import type { ScalarKind } from "./schema.ts";

/** The functions of a message; the entry is `encode_message`. */
export function emitEncoder(plan: StructPlan): string {
  const functions: string[] = [];
  emitStruct(plan, functions);
  return functions.join("\n");
}

function emitStruct(plan: StructPlan, functions: string[]): void {
  const lines: string[] = [];
  let run: FieldPlan[] = [];
  const closeRun = (extraBytes: number): void => {
    lines.push(...fixedRun(run, extraBytes));
    run = [];
  };
  for (const field of plan.fields) {
    if (field.place !== "plain") continue;
    if (field.value.fixedSize !== null && field.value.kind !== "struct") {
      run.push(field);
    } else {
      closeRun(0);
      const input = inputSource(field.name, field.field);
      lines.push(statement(field.value, input, functions));
    }
  }
  const tagged = taggedFields(plan);
  // A section without tags is one byte 0, and may share the last reservation.
  const hasEmptySection = plan.hasTagSection && tagged.length === 0;
  closeRun(hasEmptySection ? 1 : 0);
  if (tagged.length > 0) lines.push(...tagSection(tagged, functions));
  functions.push(
    `function encode_${plan.path}(w, v) {\n${lines.join("\n")}\n}`,
  );
}

/** Stores of fixed size at positions known now, and `extraBytes` zeros behind them. */
function fixedRun(run: readonly FieldPlan[], extraBytes: number): string[] {
  let sizeBytes = 0;
  const stores: string[] = [];
  for (const { name, field, value } of run) {
    if (value.kind === "struct" || value.kind === "array") continue;
    const input = inputSource(name, field);
    stores.push(`${store(value.kind, `p + ${sizeBytes}`, input)};`);
    sizeBytes += value.leastSize;
  }
  for (let index = 0; index < extraBytes; index++) {
    stores.push(`b[p + ${sizeBytes++}] = 0;`);
  }
  if (sizeBytes === 0) return [];
  const reserve = `const p = w.reserve(${sizeBytes}), b = w.bytes;`;
  return ["{", reserve, ...stores, "}"];
}

function store(kind: ScalarKind, position: string, value: string): string {
  switch (kind) {
    case "bool":
      return `b[${position}] = ${value} ? 1 : 0`;
    case "int8":
      return `putInt8(b, ${position}, ${value})`;
    case "int16":
      return `putInt16(b, ${position}, ${value})`;
    case "uint16":
      return `putUint16(b, ${position}, ${value})`;
    case "int32":
      return `putInt32(b, ${position}, ${value})`;
    case "uint32":
      return `putUint32(b, ${position}, ${value})`;
    case "int64":
      return `writeInt64(b, ${position}, ${value})`;
    case "float64":
      return `w.float64(${value}, ${position})`;
    case "uuid":
      return `w.uuid(${value}, ${position})`;
    default:
      throw new TypeError(`${kind} has no fixed size`);
  }
}

/** A statement that writes one value by itself. */
function statement(
  plan: ValuePlan,
  value: string,
  functions: string[],
): string {
  if (plan.kind === "array") {
    emitArray(plan, functions);
    return `encode_${plan.path}(w, ${value});`;
  }
  if (plan.kind === "struct") {
    emitStruct(plan, functions);
    const encode = `encode_${plan.path}`;
    if (!plan.isNullable) return `${encode}(w, ${value});`;
    return `{ const s = ${value}; if (s === null) w.int8(-1); else { w.int8(1); ${encode}(w, s); } }`;
  }
  const checked = plan.isNullable ? value : `notNull(${value})`;
  const compact = plan.isCompact;
  switch (plan.kind) {
    case "string":
      return `w.${compact ? "compactString" : "string"}(${checked});`;
    case "bytes":
      return `w.${compact ? "compactByteField" : "byteField"}(${checked});`;
    case "records":
      return `w.${compact ? "compactRecords" : "records"}(${checked});`;
    default: {
      const reserve = `const p = w.reserve(${plan.leastSize}), b = w.bytes;`;
      return `{ ${reserve} ${store(plan.kind, "p", value)}; }`;
    }
  }
}

function emitArray(plan: ArrayPlan, functions: string[]): void {
  const { element } = plan;
  const count = plan.isCompact ? "compactCount" : "count";
  const ifNull = plan.isNullable
    ? `if (v === null) { w.${count}(-1); return; }`
    : "notNull(v);";
  const isScalar = element.kind !== "struct" && element.kind !== "array";
  // Numbers go into one reservation for all of them.
  const loop =
    isScalar && element.fixedSize !== null
      ? `let p = w.reserve(n * ${element.fixedSize}); const b = w.bytes;
for (let i = 0; i < n; i++) { ${store(element.kind, "p", "v[i]")}; p += ${element.fixedSize}; }`
      : `for (let i = 0; i < n; i++) { ${statement(element, "v[i]", functions)} }`;
  functions.push(`function encode_${plan.path}(w, v) {
${ifNull}
const n = v.length;
w.${count}(n);
${loop}
}`);
}

function tagSection(
  tagged: readonly FieldPlan[],
  functions: string[],
): string[] {
  const lines: string[] = ["let tags = 0;"];
  for (const { name, field } of tagged) {
    lines.push(`const has_${name} = !${isDefaultSource(field, `v.${name}`)};`);
    lines.push(`if (has_${name}) tags++;`);
  }
  lines.push("w.unsignedVarint(tags);");
  for (const plan of tagged) {
    const body = taggedStatement(plan, functions);
    const write = `w.tagged(${tagOf(plan)}, (w) => { ${body} });`;
    lines.push(`if (has_${plan.name}) ${write}`);
  }
  return lines;
}

/** A tagged struct that may be null says so in a varint, not in an int8. */
function taggedStatement(plan: FieldPlan, functions: string[]): string {
  const { name, value } = plan;
  if (value.kind !== "struct" || !value.isNullable) {
    return statement(value, `v.${name}`, functions);
  }
  emitStruct(value, functions);
  const whole = `w.unsignedVarint(1); encode_${value.path}(w, v.${name});`;
  return `if (v.${name} === null) w.unsignedVarint(0); else { ${whole} }`;
}
