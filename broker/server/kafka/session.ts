/**
 * Kafka's protocol on one connection: frame -> header -> body -> stages ->
 * handler -> frame.
 *
 * An API or version that is not served closes the connection, as in Kafka: its
 * header already may be one that cannot be read. The exception is ApiVersions,
 * whose answer in version 0 tells every client what it may speak.
 */
import type { RequestContext } from "../../operation/context.ts";
import type { Operations } from "../../operation/operations.ts";
import { compile } from "../../wire/compile.ts";
import { type ApiKey, apis } from "../../wire/kafka/apis.ts";
import {
  decodeRequestHead,
  encodeResponseFrame,
  type RequestHead,
} from "../../wire/kafka/headers.ts";
import type { Message } from "../../wire/schema.ts";
import {
  type Handled,
  ProtocolViolation,
  type Session,
  type SessionPeer,
} from "../protocol.ts";
import { contextOf } from "../peer-context.ts";
import { type Stage, throughStages } from "../stages.ts";
import { handlers } from "./dispatch.ts";
import type { Handler } from "./handler.ts";
import { unsupportedApiVersions } from "./handlers/18-api-versions.ts";

const API_VERSIONS_KEY = 18;

type DecodedHead = Extract<RequestHead, { readonly error: null }>;

export function createKafkaSession(
  operations: Operations,
  stages: readonly Stage[],
  peer: SessionPeer,
): Session {
  return {
    handle(frame) {
      const head = decodeRequestHead(frame);
      if (head.error !== null) return refused(head);
      const message: Message = head.api.request;
      const request = compile(message, head.version).decode(head.reader);
      const context = contextOf(peer, head.clientId);
      const served = {
        context,
        protocol: "kafka" as const,
        api: head.api.name,
        version: head.version,
        sizeBytes: frame.length,
      };
      return throughStages(stages, served, () =>
        answer(operations, head, context, request),
      );
    },
    close() {},
  };
}

function answer(
  operations: Operations,
  head: DecodedHead,
  context: RequestContext,
  request: unknown,
): Handled {
  const { api, version, correlationId } = head;
  const response: Message = api.response;
  // The table binds each key to its handler; a key read from the wire has lost
  // that binding, and this is the one place that restores it.
  const handle = handlers[api.key as ApiKey] as Handler<never>;
  const reply = handle(operations, {
    context,
    request: request as never,
    version,
  });
  return {
    processed: reply.processed,
    isFrameFree: reply.isRequestFree ?? false,
    answer: reply.response.then((body) =>
      body === null
        ? null
        : encodeResponseFrame({ response }, version, correlationId, body),
    ),
  };
}

function refused(
  head: Exclude<RequestHead, { readonly error: null }>,
): Handled {
  if (head.error === "malformed") throw new ProtocolViolation(head.detail);
  if (
    head.error === "unsupported-version" &&
    head.apiKey === API_VERSIONS_KEY
  ) {
    const body = unsupportedApiVersions();
    return {
      processed: null,
      answer: encodeResponseFrame(apis[18], 0, head.correlationId, body),
    };
  }
  throw new ProtocolViolation(
    `api key ${head.apiKey} in version ${head.version} is not served`,
  );
}
