/**
 * A place for one connection that is opened when it is needed, and again when
 * it was lost. After a failure the next try waits, longer each time up to a
 * second, with jitter; everybody who needs the connection waits for the same try.
 */
import type { Random } from "../../../broker/platform/random.ts";
import { closedError } from "../../core/refusal.ts";
import { backoffMs, sleep } from "../../core/wait.ts";
import {
  type CompactConnection,
  type ConnectionOptions,
  type OnPush,
  openCompactConnection,
} from "./compact-connection.ts";

export interface SlotOptions extends ConnectionOptions {
  readonly random: Random;
}

export class ConnectionSlot {
  readonly #options: SlotOptions;
  readonly #onPush: OnPush;
  readonly #closing = new AbortController();
  #connection: CompactConnection | null = null;
  #opening: Promise<CompactConnection> | null = null;
  #failureCount = 0;

  constructor(options: SlotOptions, onPush: OnPush = () => {}) {
    this.#options = options;
    this.#onPush = onPush;
  }

  /** Rejects with the `ClientError` of the try that failed, or `closed`. */
  async get(): Promise<CompactConnection> {
    if (this.#closing.signal.aborted) throw closedError("client");
    if (this.#connection?.isOpen === true) return this.#connection;
    this.#opening ??= this.#open().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  close(): void {
    this.#closing.abort();
    this.#connection?.close();
  }

  async #open(): Promise<CompactConnection> {
    const { clock, random } = this.#options;
    const { signal } = this.#closing;
    if (this.#failureCount > 0) {
      await sleep(clock, backoffMs(this.#failureCount, random), signal);
      if (signal.aborted) throw closedError("client");
    }
    try {
      const connection = await openCompactConnection(
        this.#options,
        this.#onPush,
      );
      if (signal.aborted) {
        connection.close();
        throw closedError("client");
      }
      this.#failureCount = 0;
      this.#connection = connection;
      return connection;
    } catch (error) {
      this.#failureCount += 1;
      throw error;
    }
  }
}
