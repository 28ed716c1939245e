/**
 * InitProducerId: an id that no other producer of this broker ever had, for
 * idempotent producing. Ids come from the catalog in blocks of a thousand.
 *
 * A producer that asks again gets a new id, as from Kafka: without a
 * transactional id nothing shows that the one it names is its own, and whoever
 * guessed another's would fence it.
 */
import type { Catalog } from "../catalog/catalog.ts";
import type { ProducerIdBlock } from "../catalog/producer-id-block.ts";
import type { RequestContext } from "./context.ts";
import { resultOf } from "./manage-topics.ts";
import { type Refusal, refuse } from "./operation-error.ts";

export interface InitProducerRequest {
  readonly transactionalId: string | null;
  /** Null, null for a producer that has no id yet. */
  readonly producerId: number | null;
  readonly producerEpoch: number | null;
}

export type InitializedProducer =
  | {
      readonly error: null;
      readonly producerId: number;
      readonly producerEpoch: number;
    }
  | Refusal;

export type InitProducer = (
  context: RequestContext,
  request: InitProducerRequest,
) => Promise<InitializedProducer>;

export function createInitProducer(catalog: Catalog): InitProducer {
  const ids = new ProducerIds(catalog);
  return async (_context, request) => {
    if (request.transactionalId === "") {
      return refuse("invalid-request", "a transactional id is not empty");
    }
    if (request.transactionalId !== null) {
      return refuse(
        "transactional-id-not-authorized",
        "this broker has no transactions",
      );
    }
    const { producerId, producerEpoch } = request;
    const isNew = producerId === null && producerEpoch === null;
    if (!isNew && ((producerId ?? -1) < 0 || (producerEpoch ?? -1) < 0)) {
      return refuse("invalid-request", "an id and an epoch, or neither");
    }
    return ids.next();
  };
}

/** Hands out the ids of one block after the other. */
class ProducerIds {
  readonly #catalog: Catalog;
  #nextId = 0;
  #endId = 0;
  #allocating: Promise<Refusal | null> | null = null;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  async next(): Promise<InitializedProducer> {
    while (this.#nextId === this.#endId) {
      // Everybody who finds the block used up waits for the same new one.
      this.#allocating ??= this.#allocate();
      const refusal = await this.#allocating;
      if (refusal !== null) return refusal;
    }
    return { error: null, producerId: this.#nextId++, producerEpoch: 0 };
  }

  async #allocate(): Promise<Refusal | null> {
    const result = resultOf(await this.#catalog.allocateProducerIds());
    this.#allocating = null;
    if (result.error !== null) return result;
    const block: ProducerIdBlock = result.answer;
    this.#nextId = block.firstProducerId;
    this.#endId = block.firstProducerId + block.count;
    return null;
  }
}
