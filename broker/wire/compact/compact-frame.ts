/**
 * Frames of the compact protocol.
 *
 *   frame   := size: uint32, header, payload     // size of all behind it
 *   header  := msgpack array [kind, correlationId, api, ...fields]
 *   payload := record batches, as they lie; mostly nothing
 *
 * The kind says what the fields are: of the request, of its answer, of an error
 * in the answer's place, or of something pushed. An error that is about the
 * connection and no request has correlation id 0 and api 0.
 */
import { writeInt32 } from "../../lib/bytes.ts";
import type { Part, Payload } from "../../lib/payload.ts";
import { compactCodec } from "../compact-codec.ts";
import {
  int8,
  message,
  uint16,
  uint32,
  type Fields,
  type FieldsIn,
  type FieldsOut,
} from "../schema.ts";
import { errorFields } from "./common.ts";

export const FrameKind = { request: 0, answer: 1, error: 2, push: 3 } as const;
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

const PREFIX_SIZE = 4;

const headFields = { kind: int8, correlationId: uint32, api: uint16 };
const headCodec = compactCodec(
  message({
    name: "head",
    versions: "0+",
    flexible: "none",
    fields: headFields,
  }),
);

export interface FrameHead {
  readonly kind: number;
  readonly correlationId: number;
  readonly api: number;
}

/** One kind of header: its fields behind the head. */
export interface FrameCodec<F extends Fields> {
  /** A whole frame, its size in front. Takes the payloads over: its release releases them. */
  encode(
    head: FrameHead,
    fields: FieldsIn<F>,
    payloads?: readonly Payload[],
  ): Payload;
  /** Of a frame without its size; the payload is a view. Throws a `WireError`. */
  decode(frame: Uint8Array): {
    readonly fields: FieldsOut<F>;
    readonly payload: Uint8Array;
  };
}

/** What a frame is about, before anybody knows its fields. Throws a `WireError`. */
export function decodeHead(frame: Uint8Array): FrameHead {
  return headCodec.decode(frame).value;
}

export function frameCodec<F extends Fields>(
  name: string,
  fields: F,
): FrameCodec<F> {
  const codec = compactCodec<Fields>(
    message<Fields>({
      name,
      versions: "0+",
      flexible: "none",
      fields: { ...headFields, ...fields },
    }),
  );
  return {
    encode(head, values, payloads = []) {
      return frameOf(codec.encode({ ...head, ...values }), payloads);
    },
    decode(frame) {
      const { value, end } = codec.decode(frame);
      const { kind, correlationId, api, ...own } = value;
      // The walker makes every field that the declaration names.
      return { fields: own as FieldsOut<F>, payload: frame.subarray(end) };
    },
  };
}

export const errorFrames = frameCodec("error", errorFields);

function frameOf(header: Uint8Array, payloads: readonly Payload[]): Payload {
  const first = new Uint8Array(PREFIX_SIZE + header.length);
  first.set(header, PREFIX_SIZE);
  const parts: Part[] = [first];
  let sizeBytes = first.length;
  for (const payload of payloads) {
    parts.push(...payload.parts);
    sizeBytes += payload.sizeBytes;
  }
  writeInt32(first, 0, sizeBytes - PREFIX_SIZE);
  return { sizeBytes, parts, release: () => releaseAll(payloads) };
}

export function releaseAll(payloads: readonly Payload[]): void {
  for (const payload of payloads) payload.release();
}
