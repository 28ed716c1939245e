/** What the tests against other clients' codecs share. */
import type { Api } from "../../../../broker/wire/kafka/apis.ts";
import { compile } from "../../../../broker/wire/compile.ts";
import type {
  Fields,
  Message,
  WireType,
} from "../../../../broker/wire/schema.ts";
import { includesVersion } from "../../../../broker/wire/versions.ts";
import { Writer } from "../../../../broker/wire/writer.ts";
import type { Value } from "./sample.ts";

/** Where the clients' inner files lie: they are loaded by path, as nobody exports them. */
export const modules = new URL("../../../../node_modules/", import.meta.url);

export function encoded(
  message: Message,
  version: number,
  value: Value,
): Buffer {
  const writer = new Writer();
  compile(message, version).encode(writer, value);
  return Buffer.from(writer.finishBytes());
}

export function versionsOf({ versions }: Api): number[] {
  const { first, last } = versions;
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** All values without their names, in order, in one form for all codecs. */
export function leaves(value: unknown): unknown[] {
  if (typeof value === "bigint") return [Number(value)];
  if (
    typeof value === "string" &&
    /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-/.test(value)
  ) {
    const hex = value.replaceAll("-", "");
    return [Buffer.from(hex, "hex").toString("base64url")];
  }
  if (value instanceof Uint8Array) {
    return [`0x${Buffer.from(value).toString("hex")}`];
  }
  if (typeof value !== "object" || value === null) return [value];
  return Object.values(value).flatMap(leaves);
}

/** What a decoder reads and drops, moves elsewhere, or, records, goes on to parse. */
const NOT_KEPT: ReadonlySet<string> = new Set([
  "records",
  "clusterAuthorizedOperations",
  "topicConfigErrorCode",
]);

/** The leaves of those fields that the version has. */
export function presentLeaves(
  message: Message,
  version: number,
  sample: Value,
): unknown[] {
  return structLeaves(message.fields, sample);

  function structLeaves(fields: Fields, value: Value): unknown[] {
    return Object.entries(fields).flatMap(([name, { spec }]) =>
      includesVersion(spec.versions, version) && !NOT_KEPT.has(name)
        ? typeLeaves(spec.type, value[name])
        : [],
    );
  }

  function typeLeaves(type: WireType, value: unknown): unknown[] {
    if (type.kind === "struct")
      return structLeaves(type.fields, value as Value);
    if (type.kind !== "array") return leaves(value);
    // Clients make no difference between null and empty.
    if (value === null) return [];
    const { type: inner } = type.element.spec;
    return (value as unknown[]).flatMap((element) =>
      typeLeaves(inner, element),
    );
  }
}

/** Those of `wanted` that `all` does not hold in the same order: a client's own additions are no matter. */
export function missing(
  wanted: readonly unknown[],
  all: readonly unknown[],
): unknown[] {
  let next = 0;
  return wanted.filter((leaf) => {
    const found = all.indexOf(leaf, next);
    if (found >= 0) next = found + 1;
    return found < 0;
  });
}
