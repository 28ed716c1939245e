/**
 * The compact protocol on one connection: frame -> header -> stages -> handler
 * -> frame. Hello comes first and agrees on a version.
 *
 * A request that is understood and refused gets its error, and the connection
 * goes on. What is not understood (no header, an unknown request, no common
 * version, no hello) gets an error too, behind the answers still owed, and then
 * the connection closes: what follows on it cannot be trusted to mean anything.
 */
import type { RequestContext } from "../../operation/context.ts";
import type { Operations } from "../../operation/operations.ts";
import type { Payload } from "../../lib/payload.ts";
import {
  apiNameOf,
  compactApis,
  type CompactApi,
  type CompactApiName,
} from "../../wire/compact/apis.ts";
import {
  decodeHead,
  errorFrames,
  type FrameHead,
  FrameKind,
} from "../../wire/compact/compact-frame.ts";
import type { CompactErrorCode } from "../../wire/compact/error-codes.ts";
import {
  PROTOCOL_VERSION_MAX,
  PROTOCOL_VERSION_MIN,
} from "../../wire/compact/hello.ts";
import type { Fields } from "../../wire/schema.ts";
import { WireError } from "../../wire/wire-error.ts";
import {
  type Handled,
  ProtocolViolation,
  type Session,
  type SessionPeer,
} from "../protocol.ts";
import { contextOf } from "../peer-context.ts";
import { type Stage, throughStages } from "../stages.ts";
import { handlers } from "./dispatch.ts";
import { errorFieldsOf } from "./errors.ts";
import type { CompactHandler, CompactResponse } from "./handler.ts";
import { Subscriptions } from "./subscriptions.ts";

const NO_REQUEST: FrameHead = {
  kind: FrameKind.error,
  correlationId: 0,
  api: 0,
};

export function createCompactSession(
  operations: Operations,
  stages: readonly Stage[],
  peer: SessionPeer,
): Session {
  return new CompactSession(operations, stages, peer);
}

/** What hello agreed on. */
interface Greeted {
  readonly version: number;
  readonly context: RequestContext;
}

class CompactSession implements Session {
  readonly #operations: Operations;
  readonly #stages: readonly Stage[];
  readonly #peer: SessionPeer;
  readonly #subscriptions: Subscriptions;
  #greeted: Greeted | null = null;
  #hasSaidFarewell = false;

  constructor(
    operations: Operations,
    stages: readonly Stage[],
    peer: SessionPeer,
  ) {
    this.#operations = operations;
    this.#stages = stages;
    this.#peer = peer;
    this.#subscriptions = new Subscriptions(operations.fetch, stages, peer);
  }

  handle(frame: Uint8Array): Handled {
    let head = NO_REQUEST;
    try {
      head = decodeHead(frame);
      return this.#handleRequest(head, frame);
    } catch (error) {
      // What cannot be read, or not be answered otherwise. All else is our own fault.
      const isPeersFault =
        error instanceof WireError || error instanceof ProtocolViolation;
      if (!isPeersFault) throw error;
      return this.#sayFarewell(head, "protocol-violation", error.message);
    }
  }

  close(): void {
    this.#subscriptions.end();
  }

  /** For bytes that are no frame: nothing tells which request they were. */
  farewell(reason: string): Payload | null {
    if (this.#hasSaidFarewell) return null;
    return errorFrames.encode(
      NO_REQUEST,
      errorFieldsOf("protocol-violation", reason),
    );
  }

  get isWaiting(): boolean {
    return this.#subscriptions.count > 0;
  }

  #sayFarewell(
    head: FrameHead,
    code: CompactErrorCode,
    detail: string,
  ): Handled {
    this.#hasSaidFarewell = true;
    return farewell(head, code, detail);
  }

  #handleRequest(head: FrameHead, frame: Uint8Array): Handled {
    if (head.kind !== FrameKind.request) {
      return this.#sayFarewell(
        head,
        "protocol-violation",
        `a frame of kind ${head.kind}`,
      );
    }
    const name = apiNameOf(head.api);
    if (name === null) {
      const detail = `there is no request ${head.api}`;
      return this.#sayFarewell(head, "protocol-violation", detail);
    }
    if (name === "hello") return this.#greet(head, frame);
    if (this.#greeted === null) {
      return this.#sayFarewell(head, "not-greeted", `${name} before hello`);
    }
    return this.#serve(name, head, frame, this.#greeted);
  }

  #greet(head: FrameHead, frame: Uint8Array): Handled {
    if (this.#greeted !== null) {
      return this.#sayFarewell(
        head,
        "protocol-violation",
        "hello for the second time",
      );
    }
    const { fields } = compactApis.hello.request.decode(frame);
    const { versionMin, versionMax, clientId, credentials } = fields;
    const version = Math.min(versionMax, PROTOCOL_VERSION_MAX);
    if (version < versionMin || version < PROTOCOL_VERSION_MIN) {
      const detail = `versions ${PROTOCOL_VERSION_MIN} to ${PROTOCOL_VERSION_MAX} are served, ${versionMin} to ${versionMax} were offered`;
      return this.#sayFarewell(head, "version-not-supported", detail);
    }
    if (credentials !== null) {
      // Letting them pass unchecked would say that somebody checked them.
      const detail = "this broker asks for no credentials and takes none";
      return this.#sayFarewell(head, "invalid-request", detail);
    }
    const context = contextOf(this.#peer, clientId);
    this.#greeted = { version, context };
    const { clusterId, node } = this.#operations.describeCluster(context);
    const answer = compactApis.hello.answer.encode(answerHead(head), {
      version,
      clusterId,
      nodeId: node.nodeId,
      frameSizeBytesMax: frameSizeBytesMax(this.#operations, context, node),
    });
    return { processed: null, answer };
  }

  #serve(
    name: Exclude<CompactApiName, "hello">,
    head: FrameHead,
    frame: Uint8Array,
    { version, context }: Greeted,
  ): Handled {
    // The table binds each name to its messages and its handler; a name read
    // from the wire has lost that binding, and this is the one place that
    // restores it.
    const api: CompactApi<Fields, Fields> = compactApis[name];
    const handle = handlers[name] as CompactHandler<never>;
    const { fields, payload } = api.request.decode(frame);
    const served = {
      context,
      protocol: "compact" as const,
      api: name,
      version,
      sizeBytes: frame.length,
    };
    return throughStages(this.#stages, served, () => {
      const { processed, response, isRequestFree } = handle(this.#operations, {
        context,
        request: fields as never,
        payload,
        subscriptions: this.#subscriptions,
      });
      return {
        processed,
        isFrameFree: isRequestFree ?? false,
        answer: response.then((one) =>
          one === null ? null : encodeResponse(api, head, one),
        ),
      };
    });
  }
}

/** Kafka's name of the limit, which every connection has; null where it is not told. */
function frameSizeBytesMax(
  operations: Operations,
  context: RequestContext,
  { nodeId }: { readonly nodeId: number },
): number | null {
  const described = operations.configs.describe(context, {
    kind: "broker",
    name: String(nodeId),
    names: ["socket.request.max.bytes"],
  });
  const value = described.error === null ? described.configs[0]?.value : null;
  return value == null ? null : Number(value);
}

function encodeResponse(
  api: CompactApi<Fields, Fields>,
  head: FrameHead,
  response: CompactResponse<never>,
): Payload {
  if (response.error !== null) {
    return errorFrames.encode(
      { ...head, kind: FrameKind.error },
      errorFieldsOf(response.error, response.detail),
    );
  }
  return api.answer.encode(
    answerHead(head),
    response.fields,
    response.payloads,
  );
}

function answerHead(head: FrameHead): FrameHead {
  return { ...head, kind: FrameKind.answer };
}

/** An error, and when its bytes have left, the end. No further frame is handled meanwhile. */
function farewell(
  head: FrameHead,
  code: CompactErrorCode,
  detail: string,
): Handled {
  const { promise, reject } = Promise.withResolvers<never>();
  const answer = errorFrames.encode(
    { ...head, kind: FrameKind.error },
    errorFieldsOf(code, detail),
  );
  return {
    processed: promise,
    answer: {
      ...answer,
      release: () => reject(new ProtocolViolation(`${code}: ${detail}`)),
    },
  };
}
