/**
 * Producer ids are handed out in blocks, so that one record pays for a
 * thousand of them; what is left of a block at a stop is never used (KIP-730).
 */
import type { Decision } from "../machine/machine.ts";
import type { CatalogRecord } from "./catalog-codec.ts";
import type { CatalogState } from "./catalog-state.ts";

/** Kafka's `ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE`. */
const BLOCK_COUNT = 1_000;

export interface ProducerIdBlock {
  readonly firstProducerId: number;
  readonly count: number;
}

export function decideProducerIdBlock(
  state: CatalogState,
): Decision<ProducerIdBlock, CatalogRecord> {
  const firstProducerId = state.nextProducerId;
  return {
    records: [
      { type: "producer-ids", nextProducerId: firstProducerId + BLOCK_COUNT },
    ],
    answer: { firstProducerId, count: BLOCK_COUNT },
    releases: [],
  };
}
