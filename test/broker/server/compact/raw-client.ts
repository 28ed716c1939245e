/** A client that writes any bytes and keeps every frame that comes back. */
import type { Connection } from "../../../../broker/platform/network.ts";
import { concatBytes } from "../../../../broker/lib/bytes.ts";
import { payloadOf } from "../../../../broker/lib/payload.ts";
import {
  type CompactApi,
  type CompactApiName,
  compactApis,
  type CompactRequestInput,
} from "../../../../broker/wire/compact/apis.ts";
import {
  decodeHead,
  errorFrames,
} from "../../../../broker/wire/compact/compact-frame.ts";
import { PREFACE } from "../../../../broker/wire/compact/preface.ts";
import { FrameReader } from "../../../../broker/wire/frame.ts";
import type { Fields, FieldsIn } from "../../../../broker/wire/schema.ts";

export class RawClient {
  readonly frames: Uint8Array[] = [];
  readonly closed: Promise<void>;
  readonly #connection: Connection;
  readonly #reader = new FrameReader(2 ** 30);
  #wake: () => void = () => {};

  constructor(connection: Connection) {
    this.#connection = connection;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    connection.start({
      onData: (chunk) => {
        this.#reader.push(chunk, (frame) => this.frames.push(frame));
        this.#wake();
      },
      onDrain: () => {},
      onClose: () => resolve(),
    });
  }

  write(...chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) this.#connection.write([chunk]);
  }

  destroy(): void {
    this.#connection.destroy();
  }

  /** The next frame that nobody has taken. */
  async take(): Promise<Uint8Array> {
    for (;;) {
      const frame = this.frames.shift();
      if (frame !== undefined) return frame;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async takeErrorCode(): Promise<string> {
    const frame = await this.take();
    if (decodeHead(frame).kind !== 2) throw new Error("no error");
    return errorFrames.decode(frame).fields.code;
  }
}

export function requestBytes<N extends CompactApiName>(
  name: N,
  correlationId: number,
  fields: CompactRequestInput<N>,
  ...batches: readonly Uint8Array[]
): Uint8Array {
  const api: CompactApi<Fields, Fields> = compactApis[name];
  const { parts } = api.request.encode(
    { kind: 0, correlationId, api: api.key },
    fields as FieldsIn<Fields>,
    [payloadOf(batches)],
  );
  return concatBytes(
    parts.flatMap((part) => (part instanceof Uint8Array ? part : [])),
  );
}

export const helloBytes = requestBytes("hello", 1, {
  versionMin: 1,
  versionMax: 1,
  clientId: "raw",
  credentials: null,
});

export const greeting = concatBytes([PREFACE, helloBytes]);
