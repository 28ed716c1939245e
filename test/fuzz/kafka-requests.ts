/**
 * Requests of Kafka's protocol as a fuzzer sends them: every API in every
 * version, with plausible values; then, mostly, changed.
 */
import { type Api, apis } from "../../broker/wire/kafka/apis.ts";
import { encodeRequestFrame } from "../../broker/wire/kafka/headers.ts";
import type { AnyField, Fields, Message } from "../../broker/wire/schema.ts";
import { includesVersion } from "../../broker/wire/versions.ts";
import type { SeededRandom } from "../support/seeded-random.ts";
import { sampleOf } from "../broker/wire/kafka/sample.ts";
import { fewOrMany, onceIn, oneOf } from "./draw.ts";
import { mutate } from "./mutate.ts";
import { plausibleRecords } from "./plausible-batches.ts";
import {
  type Known,
  type Membership,
  plausibleInteger,
  plausibleText,
  plausibleUuid,
} from "./plausible-values.ts";

const rows: readonly Api[] = Object.values(apis);
/** More often than the others: what goes on in them depends on what was before. */
const stateful: readonly Api[] = [
  apis[0],
  apis[1],
  apis[8],
  apis[11],
  apis[11],
  apis[12],
  apis[14],
  apis[14],
];
const rarelyGiven: readonly string[] = [
  "transactionalId",
  "groupInstanceId",
  "instanceId",
  "credentials",
];
const NOBODY: Membership = { memberId: "", generation: -1 };
const PREFIX_SIZE = 4;
const FRAME_SIZE_BYTES = 256 * 1024;

/** A request in some version, as a client would frame it, with a correlation id of its own. */
export function plausibleFrame(
  random: SeededRandom,
  known: Known,
  api: Api = oneOf(random, rows),
): Uint8Array {
  const { first, last } = api.versions;
  const version = first + random.integer(last - first + 1);
  const body = onceIn(random, 15)
    ? sampleOf(api.request, version)
    : plausibleBody(random, api.request, version, known);
  const header = {
    correlationId: random.integer(2 ** 31),
    clientId: onceIn(random, 10) ? null : "fuzz",
  };
  const { parts } = encodeRequestFrame(api, version, header, body as never);
  return Buffer.concat(parts.filter((part) => part instanceof Uint8Array));
}

/** A request of those that a client sends all the time. */
export function statefulFrame(random: SeededRandom, known: Known): Uint8Array {
  return plausibleFrame(random, known, oneOf(random, stateful));
}

/** What of it goes over the wire: often not what a client would send. */
export function wildFrame(random: SeededRandom, known: Known): Uint8Array {
  const frame = plausibleFrame(random, known);
  switch (random.integer(10)) {
    case 0:
    case 1:
    case 2:
      return frame;
    case 3:
      return reframed(random.bytes(random.integer(64)));
    case 4:
      return withHeader(random, frame);
    case 5:
      return withSize(random, frame);
    case 6:
      // The size is of what was, so a part is missing or too much.
      return mutate(random, frame, 1);
    default:
      return reframed(
        mutate(random, frame.subarray(PREFIX_SIZE), 1 + random.integer(3)),
      );
  }
}

/** The body with a size before it that is true. */
export function reframed(body: Uint8Array): Uint8Array {
  const frame = Buffer.alloc(PREFIX_SIZE + body.length);
  frame.writeInt32BE(body.length, 0);
  frame.set(body, PREFIX_SIZE);
  return frame;
}

/** Of another API or version than the body. */
function withHeader(random: SeededRandom, frame: Uint8Array): Uint8Array {
  const changed = Buffer.from(frame);
  const other = oneOf(random, rows);
  switch (random.integer(3)) {
    case 0:
      changed.writeInt16BE(other.key, 4);
      break;
    case 1:
      changed.writeInt16BE(random.integer(16) - 1, 6);
      break;
    default:
      changed.writeInt16BE(random.integer(2 ** 16) - 2 ** 15, 4);
  }
  return changed;
}

/** With a size that is not that of what follows. */
function withSize(random: SeededRandom, frame: Uint8Array): Uint8Array {
  const changed = Buffer.from(frame);
  const size = frame.length - PREFIX_SIZE;
  const lie = oneOf(random, [
    -1,
    -(2 ** 31),
    2 ** 31 - 1,
    FRAME_SIZE_BYTES,
    FRAME_SIZE_BYTES + 1,
    0,
    1,
    size + 1,
    size - 1,
    random.integer(size + 1),
  ]);
  changed.writeInt32BE(lie, 0);
  return changed;
}

export function plausibleBody(
  random: SeededRandom,
  message: Message,
  version: number,
  known: Known,
): Readonly<Record<string, unknown>> {
  // One member in the whole request, as its id and generation belong together.
  const member = onceIn(random, 5) ? NOBODY : oneOf(random, known.members);
  return structOf(message.fields);

  function structOf(fields: Fields): Record<string, unknown> {
    const value: Record<string, unknown> = {};
    for (const [name, field] of Object.entries(fields)) {
      if (!includesVersion(field.spec.versions, version)) continue;
      value[name] = valueOf(name, field);
    }
    return value;
  }

  function valueOf(name: string, field: AnyField): unknown {
    const { type, nullable } = field.spec;
    if (includesVersion(nullable, version)) {
      // Who asks for transactions is refused, and static members are few.
      const isRare = rarelyGiven.includes(name);
      if (isRare ? !onceIn(random, 10) : onceIn(random, 3)) return null;
    }
    if (!onceIn(random, 10)) {
      if (name === "memberId") return member.memberId;
      if (name.startsWith("generation")) return member.generation;
    }
    switch (type.kind) {
      case "struct":
        return structOf(type.fields);
      case "array": {
        const { element } = type;
        const many = element.spec.type.kind === "struct" ? 12 : 300;
        const count = fewOrMany(random, many);
        return Array.from({ length: count }, () => valueOf(name, element));
      }
      case "bool":
        return onceIn(random, 2);
      case "float64":
        return random.fraction();
      case "uuid":
        return plausibleUuid(random, known);
      case "string":
        return plausibleText(random, name, known);
      case "records":
        return plausibleRecords(random, known);
      case "bytes":
        return random.bytes(random.integer(40));
      default:
        return plausibleInteger(random, name, type.kind, known);
    }
  }
}

export { FRAME_SIZE_BYTES as FUZZ_FRAME_SIZE_BYTES_MAX };
