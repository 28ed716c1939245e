/**
 * What stands before the body of every request and response.
 *
 *   request  := size: int32, RequestHeader, body
 *   response := size: int32, ResponseHeader, body
 *
 * The size counts what follows it. A flexible request has header v2, which ends
 * in tagged fields, any other v1; a flexible response has header v1, any other
 * v0. One exception: the response to ApiVersions has header v0 in every
 * version, as a client sends that request before it knows what the broker
 * speaks (KIP-511).
 *
 * The client id is an old-style string even in v2, for the same reason.
 */
import { readInt16, readInt32 } from "../../lib/bytes.ts";
import type { Payload } from "../../lib/payload.ts";
import { compile } from "../compile.ts";
import { beginFrame, finishFrame } from "../frame.ts";
import { Reader } from "../reader.ts";
import {
  int16,
  int32,
  message,
  string,
  type Fields,
  type FieldsIn,
  type FieldsOut,
  type Message,
} from "../schema.ts";
import { includesVersion } from "../versions.ts";
import { WireError } from "../wire-error.ts";
import { apiOf, type Api } from "./apis.ts";

export const requestHeader = message({
  name: "RequestHeader",
  versions: "1-2",
  flexible: "2+",
  fields: {
    requestApiKey: int16,
    requestApiVersion: int16,
    correlationId: int32,
    clientId: string.nullable().flexible("none"),
  },
});

export const responseHeader = message({
  name: "ResponseHeader",
  versions: "0-1",
  flexible: "1+",
  fields: {
    correlationId: int32,
  },
});

const API_VERSIONS_KEY = 18;

/** Of key, version and correlation id: in the same place in every version. */
const FIXED_SIZE = 8;

/** The beginning of a request, whatever it is. */
export type RequestHead =
  | {
      readonly error: null;
      readonly api: Api;
      readonly version: number;
      readonly correlationId: number;
      readonly clientId: string | null;
      /** Stands at the body. */
      readonly reader: Reader;
    }
  | {
      readonly error: "unknown-api" | "unsupported-version";
      readonly apiKey: number;
      readonly version: number;
      readonly correlationId: number;
    }
  | { readonly error: "malformed"; readonly detail: string };

/**
 * Reads the header of a request from a frame without its size. Never throws:
 * what cannot be served is an answer.
 *
 * An unsupported version of ApiVersions is one too: it is to be answered in v0,
 * with error 35 and our own range.
 */
export function decodeRequestHead(frame: Uint8Array): RequestHead {
  if (frame.length < FIXED_SIZE) {
    const detail = `a request of ${frame.length} bytes`;
    return { error: "malformed", detail };
  }
  const apiKey = readInt16(frame, 0);
  const version = readInt16(frame, 2);
  const correlationId = readInt32(frame, 4);
  const api = apiOf(apiKey);
  if (api === null || !includesVersion(api.versions, version)) {
    const error = api === null ? "unknown-api" : "unsupported-version";
    return { error, apiKey, version, correlationId };
  }
  const reader = new Reader(frame);
  try {
    const headerVersion = requestHeaderVersion(api.request, version);
    const { clientId } = compile(requestHeader, headerVersion).decode(reader);
    return { error: null, api, version, correlationId, clientId, reader };
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return { error: "malformed", detail: error.message };
  }
}

/** A whole frame. Releasing it releases the records in the body. */
export function encodeResponseFrame<F extends Fields>(
  { response }: { readonly response: Message<F> },
  version: number,
  correlationId: number,
  body: FieldsIn<F>,
): Payload {
  const writer = beginFrame();
  const headerVersion = responseHeaderVersion(response, version);
  compile(responseHeader, headerVersion).encode(writer, { correlationId });
  compile(response, version).encode(writer, body);
  return finishFrame(writer);
}

/** The client's side: a whole frame. */
export function encodeRequestFrame<F extends Fields>(
  { key, request }: { readonly key: number; readonly request: Message<F> },
  version: number,
  header: { readonly correlationId: number; readonly clientId: string | null },
  body: FieldsIn<F>,
): Payload {
  const writer = beginFrame();
  const headerVersion = requestHeaderVersion(request, version);
  compile(requestHeader, headerVersion).encode(writer, {
    requestApiKey: key,
    requestApiVersion: version,
    ...header,
  });
  compile(request, version).encode(writer, body);
  return finishFrame(writer);
}

/**
 * The client's side: which request a frame without its size answers; null if
 * it is too short to say. Only then are API and version of the body known.
 */
export function correlationIdOf(frame: Uint8Array): number | null {
  return frame.length < 4 ? null : readInt32(frame, 0);
}

/** The client's side. Throws a `WireError` for a malformed response. */
export function decodeResponse<F extends Fields>(
  { response }: { readonly response: Message<F> },
  version: number,
  frame: Uint8Array,
): FieldsOut<F> {
  const reader = new Reader(frame);
  const headerVersion = responseHeaderVersion(response, version);
  compile(responseHeader, headerVersion).decode(reader);
  return compile(response, version).decode(reader);
}

function requestHeaderVersion({ flexible }: Message, version: number): number {
  return includesVersion(flexible, version) ? 2 : 1;
}

function responseHeaderVersion(response: Message, version: number): number {
  if (response.apiKey === API_VERSIONS_KEY) return 0;
  return includesVersion(response.flexible, version) ? 1 : 0;
}
