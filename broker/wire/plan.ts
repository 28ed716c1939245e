/**
 * What a declaration says once the version is known: the fields in the order
 * in which they lie on the wire, each with its place, size and encoding.
 *
 * The two emitters write code from this, so that they cannot disagree about
 * it; the interpreter of the tests does not use it, so that it can.
 */
import type {
  AnyField,
  Fields,
  Message,
  ScalarKind,
  WireType,
} from "./schema.ts";
import { includesVersion } from "./versions.ts";

interface Encoding {
  readonly isNullable: boolean;
  /** Sizes and counts are varints of size + 1 (KIP-482). */
  readonly isCompact: boolean;
  /** No value takes fewer bytes. */
  readonly leastSize: number;
  /** All values take so many bytes; null if they differ. */
  readonly fixedSize: number | null;
}

export type ScalarPlan = Encoding & { readonly kind: ScalarKind };
export type ArrayPlan = Encoding & {
  readonly kind: "array";
  /** Names the functions made for it: unique in the message. */
  readonly path: string;
  readonly element: ValuePlan;
};
export type StructPlan = Encoding & {
  readonly kind: "struct";
  readonly path: string;
  readonly hasTagSection: boolean;
  /** All, in the order declared; those in the bytes by `place`. */
  readonly fields: readonly FieldPlan[];
};
export type ValuePlan = ScalarPlan | ArrayPlan | StructPlan;

export interface FieldPlan {
  readonly name: string;
  readonly field: AnyField;
  readonly place: "plain" | "tagged" | "absent";
  readonly value: ValuePlan;
}

const FIXED_SIZES: Partial<Record<ScalarKind, number>> = {
  bool: 1,
  int8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  float64: 8,
  uuid: 16,
};

/** Kafka's rule for names; it also keeps the emitted code to what we mean. */
const FIELD_NAME = /^[A-Za-z][A-Za-z0-9]*$/;

export function planMessage(message: Message, version: number): StructPlan {
  const isFlexible = includesVersion(message.flexible, version);
  const context: Context = { version, isFlexible };
  return planStruct(message.fields, "message", false, context);
}

/** The fields of a struct that lie in its tag section, in the order they are written. */
export function taggedFields(plan: StructPlan): readonly FieldPlan[] {
  return plan.fields
    .filter((field) => field.place === "tagged")
    .sort((a, b) => tagOf(a) - tagOf(b));
}

export function tagOf(plan: FieldPlan): number {
  return plan.field.spec.tag ?? 0;
}

interface Context {
  readonly version: number;
  readonly isFlexible: boolean;
}

function planStruct(
  fields: Fields,
  path: string,
  isNullable: boolean,
  context: Context,
): StructPlan {
  const plans = Object.entries(fields).map(([name, field]) => {
    if (!FIELD_NAME.test(name)) throw new TypeError(`bad field name: ${name}`);
    return planField(name, field, path, context);
  });
  let leastSize = context.isFlexible ? 1 : 0;
  for (const plan of plans) {
    if (plan.place === "plain") leastSize += plan.value.leastSize;
  }
  const isFixed =
    !context.isFlexible &&
    plans.every(
      ({ place, value }) => place === "absent" || value.fixedSize !== null,
    );
  return {
    kind: "struct",
    path,
    isNullable,
    isCompact: context.isFlexible,
    // One byte says whether a nullable struct is there.
    leastSize: isNullable ? 1 : leastSize,
    fixedSize: isFixed && !isNullable ? leastSize : null,
    hasTagSection: context.isFlexible,
    fields: plans,
  };
}

function planField(
  name: string,
  field: AnyField,
  path: string,
  context: Context,
): FieldPlan {
  const { version } = context;
  const { spec } = field;
  const isTagged = spec.tag !== null && includesVersion(spec.tagged, version);
  if (isTagged && !context.isFlexible) {
    throw new TypeError(
      `${name} is tagged in version ${version}, not flexible`,
    );
  }
  const isThere = includesVersion(spec.versions, version);
  return {
    name,
    field,
    place: !isThere ? "absent" : isTagged ? "tagged" : "plain",
    value: planValue(field, `${path}_${name}`, context),
  };
}

function planValue(field: AnyField, path: string, context: Context): ValuePlan {
  const { spec } = field;
  const { version } = context;
  const isNullable = includesVersion(spec.nullable, version);
  if (spec.type.kind === "struct") {
    return planStruct(spec.type.fields, path, isNullable, context);
  }
  const isCompact =
    spec.flexible === null
      ? context.isFlexible
      : includesVersion(spec.flexible, version);
  if (spec.type.kind === "array") {
    const element = planValue(spec.type.element, `${path}_element`, context);
    // A count that costs its sender no bytes could not be checked.
    if (element.leastSize === 0) throw new TypeError(`${path}: empty elements`);
    const leastSize = isCompact ? 1 : 4;
    return {
      kind: "array",
      path,
      element,
      isNullable,
      isCompact,
      leastSize,
      fixedSize: null,
    };
  }
  const { kind } = spec.type;
  const fixedSize = FIXED_SIZES[kind] ?? null;
  if (fixedSize !== null && isNullable) {
    throw new TypeError(`${path} cannot be null in Kafka's format`);
  }
  const leastSize = fixedSize ?? prefixSize(spec.type, isCompact);
  return { kind, isNullable, isCompact, leastSize, fixedSize };
}

function prefixSize(type: WireType, isCompact: boolean): number {
  if (isCompact) return 1;
  return type.kind === "string" ? 2 : 4;
}
