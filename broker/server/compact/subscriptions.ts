/** The subscriptions of one connection: they share its outlet, and end with it. */
import type { Payload } from "../../lib/payload.ts";
import type { RequestContext } from "../../operation/context.ts";
import type { Fetch } from "../../operation/fetch.ts";
import { type Refusal, refuse } from "../../operation/operation-error.ts";
import type { CompactRequest } from "../../wire/compact/apis.ts";
import { PROTOCOL_VERSION_MAX } from "../../wire/compact/hello.ts";
import type { SessionPeer } from "../protocol.ts";
import { type Stage, throughStages } from "../stages.ts";
import { Subscription } from "./subscription.ts";

/** Beyond these a client is wrong, or means harm. */
const SUBSCRIPTION_COUNT_MAX = 16;
const POSITION_COUNT_MAX = 10_000;

export class Subscriptions {
  readonly #fetch: Fetch;
  readonly #peer: SessionPeer;
  readonly #stages: readonly Stage[];
  readonly #byId = new Map<number, Subscription>();
  /** The peer's queue is full: nothing is pushed until it has drained. */
  #isBlocked = false;

  constructor(fetch: Fetch, stages: readonly Stage[], peer: SessionPeer) {
    this.#fetch = fetch;
    this.#stages = stages;
    this.#peer = peer;
    peer.onWritable(() => {
      this.#isBlocked = false;
      for (const subscription of this.#byId.values()) subscription.wake();
    });
  }

  get count(): number {
    return this.#byId.size;
  }

  /** Opens a subscription, or changes the one that has this number. */
  subscribe(
    context: RequestContext,
    request: CompactRequest<"subscribe">,
  ): Refusal | null {
    const { subscription: id, positions, partitionSizeBytesMax } = request;
    // Nothing fits into less, and a read that brings nothing is done again.
    if (partitionSizeBytesMax < 1) {
      return refuse(
        "invalid-request",
        `partitionSizeBytesMax ${partitionSizeBytesMax}, at least 1`,
      );
    }
    if (positions.length > POSITION_COUNT_MAX) {
      return refuse(
        "invalid-request",
        `${positions.length} positions, at most ${POSITION_COUNT_MAX}`,
      );
    }
    let subscription = this.#byId.get(id);
    if (subscription === undefined) {
      if (this.#byId.size >= SUBSCRIPTION_COUNT_MAX) {
        return refuse(
          "invalid-request",
          `a connection has at most ${SUBSCRIPTION_COUNT_MAX} subscriptions`,
        );
      }
      subscription = this.#open(context, request);
      this.#byId.set(id, subscription);
    }
    subscription.change(request);
    return null;
  }

  credit(request: CompactRequest<"credit">): void {
    // One that has ended meanwhile needs none.
    this.#byId.get(request.subscription)?.grant(request);
  }

  unsubscribe(id: number): void {
    this.#byId.get(id)?.end();
    this.#byId.delete(id);
  }

  end(): void {
    for (const subscription of this.#byId.values()) subscription.end();
    this.#byId.clear();
  }

  #open(
    context: RequestContext,
    request: CompactRequest<"subscribe">,
  ): Subscription {
    const outlet = {
      isOpen: () => !this.#isBlocked,
      push: (payload: Payload) => {
        this.#isBlocked = !this.#peer.push(payload);
      },
    };
    return new Subscription(this.#throughStages(), outlet, context, {
      id: request.subscription,
      isCommittedOnly: request.isCommittedOnly,
      partitionSizeBytesMax: request.partitionSizeBytesMax,
    });
  }

  /** A push is nobody's request, but stages see what it reads like any other. */
  #throughStages(): Fetch {
    return async (context, request) => {
      const served = {
        context,
        protocol: "compact" as const,
        api: "push",
        version: PROTOCOL_VERSION_MAX,
        sizeBytes: 0,
      };
      const { promise, resolve } = Promise.withResolvers<ReturnType<Fetch>>();
      throughStages(this.#stages, served, () => {
        const reading = this.#fetch(context, request);
        resolve(reading);
        return { processed: reading, answer: null };
      });
      return promise;
    };
  }
}
