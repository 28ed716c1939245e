/** Requests of the compact protocol as a fuzzer sends them: plausible, then, now and then, changed. */
import { concatBytes } from "../../broker/lib/bytes.ts";
import { payloadOf } from "../../broker/lib/payload.ts";
import {
  type CompactApi,
  type CompactApiName,
  compactApis,
} from "../../broker/wire/compact/apis.ts";
import * as groups from "../../broker/wire/compact/groups.ts";
import { helloRequest } from "../../broker/wire/compact/hello.ts";
import * as records from "../../broker/wire/compact/records.ts";
import * as subscriptions from "../../broker/wire/compact/subscriptions.ts";
import * as topics from "../../broker/wire/compact/topics.ts";
import { type Fields, message } from "../../broker/wire/schema.ts";
import type { SeededRandom } from "../support/seeded-random.ts";
import { onceIn, oneOf } from "./draw.ts";
import { plausibleBody, reframed } from "./kafka-requests.ts";
import { mutate } from "./mutate.ts";
import { plausibleRecords } from "./plausible-batches.ts";
import type { Known } from "./plausible-values.ts";

const PREFIX_SIZE = 4;
const declared: Readonly<Record<string, Fields>> = {
  ...groups,
  ...records,
  ...subscriptions,
  ...topics,
  helloRequest,
};

type Body = Readonly<Record<string, unknown>>;

export interface CompactRequestDrawn {
  readonly name: CompactApiName;
  readonly body: Body;
  readonly bytes: Uint8Array;
}

const names = Object.keys(compactApis) as readonly CompactApiName[];
/** Hello a second time ends a connection, so it comes rarely. */
const usual = names.filter((name) => name !== "hello");
const stateful: readonly CompactApiName[] = [
  "produce",
  "produce",
  "subscribe",
  "subscribe",
  "credit",
  "credit",
  "unsubscribe",
  "fetch",
  "join",
  "sync",
  "commit",
  "heartbeat",
];

export function plausibleCompact(
  random: SeededRandom,
  known: Known,
): CompactRequestDrawn {
  const name = onceIn(random, 60)
    ? "hello"
    : oneOf(random, onceIn(random, 3) ? usual : stateful);
  const fields = declared[`${camelCase(name)}Request`];
  if (fields === undefined) throw new Error(`${name} is not declared`);
  const body = plausibleBody(random, messageOf(name, fields), 0, known);
  return encoded(random, name, body, known);
}

/** Bytes that are a request no more, or another one. */
export function wildCompact(random: SeededRandom, known: Known): Uint8Array {
  const { bytes } = plausibleCompact(random, known);
  switch (random.integer(4)) {
    case 0:
      return reframed(random.bytes(random.integer(40)));
    case 1:
      return mutate(random, bytes, 1);
    default:
      return reframed(
        mutate(random, bytes.subarray(PREFIX_SIZE), 1 + random.integer(3)),
      );
  }
}

function encoded(
  random: SeededRandom,
  name: CompactApiName,
  drawn: Body,
  known: Known,
): CompactRequestDrawn {
  const batches: Uint8Array[] = [];
  const body = name === "produce" ? withBatches(drawn) : drawn;
  const api: CompactApi<Fields, Fields> = compactApis[name];
  const { parts } = api.request.encode(
    { kind: 0, correlationId: 1 + random.integer(2 ** 31), api: api.key },
    body as never,
    [payloadOf(batches)],
  );
  const bytes = concatBytes(
    parts.flatMap((part) => (part instanceof Uint8Array ? part : [])),
  );
  return { name, body, bytes };

  /** What follows the header is as long as its partitions say, as a rule. */
  function withBatches(produce: Body): Body {
    const { partitions } = produce;
    if (!Array.isArray(partitions)) return produce;
    return {
      ...produce,
      partitions: partitions.map((partition: object) => {
        const batch = plausibleRecords(random, known);
        batches.push(batch);
        const sizeBytes = onceIn(random, 20) ? 7 : batch.length;
        return { ...partition, sizeBytes };
      }),
    };
  }
}

function messageOf(name: string, fields: Fields) {
  return message({ name, versions: "0+", flexible: "none", fields });
}

function camelCase(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}
