/**
 * The client beside the strangers: it goes on producing and fetching, and what
 * it was told is there must be there.
 */
import {
  batchOf,
  fetch,
  produce,
  valuesIn,
} from "../broker/server/kafka/support.ts";
import type { KafkaConnection } from "../support/kafka-connection.ts";

export const CANARY = "canary";
/** In the order of their creation: plain, compacted, compressed anew, stamped. */
export const TOPICS = ["plain", "compacted", "inflated", "stamped"] as const;

export class Canary {
  readonly #connection: KafkaConnection;
  #count = 0;

  constructor(connection: KafkaConnection) {
    this.#connection = connection;
  }

  /** Produces one record with acks -1 and reads it again. */
  async sing(): Promise<void> {
    const value = songOf(this.#count);
    const batch = batchOf([value]);
    const answer = await produce(this.#connection, CANARY, batch, { acks: -1 });
    if (answer.errorCode !== 0 || answer.baseOffset !== this.#count) {
      const got = `error ${answer.errorCode}, offset ${answer.baseOffset}`;
      throw new Error(`canary ${this.#count} was answered with ${got}`);
    }
    await this.#expect(this.#count, [value]);
    this.#count += 1;
  }

  /** Everything that it ever produced is there, and nothing else. */
  async checkAll(): Promise<void> {
    const songs = Array.from({ length: this.#count }, (_, index) =>
      songOf(index),
    );
    await this.#expect(0, songs);
  }

  async #expect(offset: number, songs: readonly string[]): Promise<void> {
    const answer = await fetch(this.#connection, CANARY, offset);
    const values = valuesIn(answer.records);
    if (values.join() !== songs.join()) {
      throw new Error(`canary: ${values.join()} at ${offset}`);
    }
  }
}

function songOf(index: number): string {
  return `song ${index}`;
}
