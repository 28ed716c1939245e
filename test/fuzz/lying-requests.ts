/**
 * A request of every API in every version, in which one place after the other
 * says that 2^31 elements, or bytes, follow.
 */
import { type Api, apis } from "../../broker/wire/kafka/apis.ts";
import { encodeRequestFrame } from "../../broker/wire/kafka/headers.ts";
import { sampleOf } from "../broker/wire/kafka/sample.ts";

const PREFIX_SIZE = 4;
/** Key, version, correlation id, and the size of the client id. */
const HEAD_SIZE = 10;
/** As an int32, and as a varint. */
const lies = [
  [0x7f, 0xff, 0xff, 0xff],
  [0xff, 0xff, 0xff, 0xff, 0x07],
];
/** Places are tried one after the other; of long requests, only their beginning. */
const PLACES_MAX = 40;

export function* lyingRequests(): Generator<Uint8Array> {
  const rows: readonly Api[] = Object.values(apis);
  for (const api of rows) {
    for (let v = api.versions.first; v <= api.versions.last; v += 1) {
      yield* lyingVariants(frameOf(api, v));
    }
  }
}

function frameOf(api: Api, version: number): Uint8Array {
  const header = { correlationId: 1, clientId: "" };
  const body = sampleOf(api.request, version) as never;
  const { parts } = encodeRequestFrame(api, version, header, body);
  return Buffer.concat(parts.filter((part) => part instanceof Uint8Array));
}

function* lyingVariants(frame: Uint8Array): Generator<Uint8Array> {
  const first = PREFIX_SIZE + HEAD_SIZE;
  const end = Math.min(frame.length - 5, first + PLACES_MAX);
  for (let at = first; at < end; at += 1) {
    for (const lie of lies) {
      const changed = Uint8Array.from(frame);
      changed.set(lie, at);
      yield changed;
    }
  }
}
