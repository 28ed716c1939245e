/**
 * A lane takes the records of one partition through one flow, one at a time and
 * in order. A fan-out gives each branch a lane of its own, with a queue of its
 * own and copies of its own: that is what isolates branches.
 *
 * Sending is not waited for before the next record starts, as the producer
 * keeps the order; handlers and sinks are.
 *
 * Every record that enters a lane leaves it by exactly one call of its `settle`:
 * delivered, filtered or dead-lettered. Where even the dead letter cannot be
 * written the run fails and the record stays unsettled, so that its offset is
 * never committed. The same holds for whatever is under way when the lane is
 * closed: it is read again by whoever owns the partition next.
 */
import type { RawRecord } from "../client/index.ts";
import { copyOf } from "./copy.ts";
import type { Ctx, EncodedPair, Flow, Step, Traveller } from "./definition.ts";
import {
  type Failure,
  failureOf,
  PipelineError,
  SkipRecord,
} from "./errors.ts";
import { isRecordsFault, type Outlet } from "./outlet.ts";
import type { BranchCounters, RunCounters } from "./stats.ts";

/** What lanes need of the run they belong to. */
export interface LaneHost {
  readonly outlet: Outlet;
  readonly counters: RunCounters;
  /** The run cannot go on, and the record it was about stays unsettled. */
  fail(error: PipelineError): void;
}

interface Item {
  readonly traveller: Traveller;
  readonly settle: () => void;
}

export class Lane {
  readonly #host: LaneHost;
  readonly #flow: Flow;
  readonly #ctx: Ctx;
  readonly #branch: string | null;
  readonly #counters: BranchCounters;
  /** One a branch of the fan-out that the flow ends in. */
  readonly #children: readonly Lane[];

  readonly #queue: Item[] = [];
  #isWorking = false;
  #isClosed = false;

  /** `branch`: null for the flow that every record of the source enters. */
  constructor(host: LaneHost, flow: Flow, ctx: Ctx, branch: string | null) {
    this.#host = host;
    this.#flow = flow;
    this.#ctx = ctx;
    this.#branch = branch;
    this.#counters = host.counters.of(branch);
    const branches = flow.ending.kind === "fanOut" ? flow.ending.branches : [];
    this.#children = branches.map(({ name, flow: inner }) => {
      const path = branch === null ? name : `${branch}.${name}`;
      return new Lane(host, inner, ctx, path);
    });
  }

  enter(traveller: Traveller, settle: () => void): void {
    this.#counters.received += 1;
    this.#queue.push({ traveller, settle });
    if (!this.#isWorking) void this.#work();
  }

  /** The bytes make no traveller: a dead letter in the name of this lane. */
  reject(source: RawRecord, failure: Failure, settle: () => void): void {
    this.#counters.received += 1;
    void this.#deadLetter(source, failure, settle);
  }

  /** Begins nothing more; what is under way settles nothing, however it ends. */
  close(): void {
    this.#isClosed = true;
    this.#queue.length = 0;
    for (const child of this.#children) child.close();
  }

  /** Runs until the queue is empty, waiting only for what is a promise. Never rejects. */
  async #work(): Promise<void> {
    this.#isWorking = true;
    for (;;) {
      const item = this.#queue.shift();
      if (item === undefined) break;
      try {
        let current: Traveller | null = item.traveller;
        for (const step of this.#flow.steps) {
          const called = step.call(current, this.#ctx);
          const result = isThenable(called) ? await called : called;
          current = afterStep(step, current, result);
          if (current === null || this.#isClosed) break;
        }
        if (this.#isClosed) break;
        if (current === null) {
          this.#filtered(item);
        } else {
          const handled = this.#end(current, item);
          if (handled !== null) await handled;
        }
      } catch (thrown) {
        this.#threw(thrown, item);
      }
    }
    this.#isWorking = false;
  }

  /** A promise only where the next record has to wait for a sink. */
  #end(traveller: Traveller, item: Item): Promise<void> | null {
    const { ending } = this.#flow;
    if (ending.kind === "fanOut") {
      this.#fanOut(traveller, item);
      return null;
    }
    if (ending.kind === "topic") {
      void this.#send(ending.topic, ending.encode(traveller), item);
      return null;
    }
    const handled = ending.handle(traveller, this.#ctx);
    if (!isThenable(handled)) {
      this.#delivered(item);
      return null;
    }
    return Promise.resolve(handled).then(() => this.#delivered(item));
  }

  /** The record is settled here when it is settled in every branch. */
  #fanOut(traveller: Traveller, { settle }: Item): void {
    let unsettledCount = this.#children.length;
    const settleOne = (): void => {
      unsettledCount -= 1;
      if (unsettledCount === 0) settle();
    };
    // All copies are taken before the first branch can change anything.
    const copies = this.#children.map(() => ({
      source: traveller.source,
      key: copyOf(traveller.key),
      value: copyOf(traveller.value),
    }));
    for (const [index, child] of this.#children.entries()) {
      const copy = copies[index];
      if (copy !== undefined) child.enter(copy, settleOne);
    }
  }

  async #send(topic: string, pair: EncodedPair, item: Item): Promise<void> {
    const { source } = item.traveller;
    try {
      await this.#host.outlet.send(topic, pair, source);
    } catch (thrown) {
      if (this.#isClosed) return;
      if (isRecordsFault(thrown)) {
        await this.#deadLetter(source, failureOf(thrown), item.settle);
      } else {
        this.#host.fail(undelivered(source, topic, thrown));
      }
      return;
    }
    this.#delivered(item);
  }

  /** A handler's way out. Whatever it threw is about this record and no other. */
  #threw(thrown: unknown, item: Item): void {
    if (this.#isClosed) return;
    if (thrown instanceof SkipRecord) this.#filtered(item);
    else {
      const { source } = item.traveller;
      void this.#deadLetter(source, failureOf(thrown), item.settle);
    }
  }

  /** Never rejects: a dead letter that cannot be written fails the run. */
  async #deadLetter(
    source: RawRecord,
    failure: Failure,
    settle: () => void,
  ): Promise<void> {
    try {
      await this.#host.outlet.deadLetter(source, failure, this.#branch);
    } catch (thrown) {
      if (this.#isClosed) return;
      this.#host.fail(undelivered(source, "a dead-letter topic", thrown));
      return;
    }
    if (this.#isClosed) return;
    this.#counters.deadLettered += 1;
    settle();
  }

  #filtered({ settle }: Item): void {
    this.#counters.filtered += 1;
    settle();
  }

  #delivered({ settle }: Item): void {
    if (this.#isClosed) return;
    this.#counters.delivered += 1;
    settle();
  }
}

/** What the traveller is behind the step, or null where a filter did not let it pass. */
function afterStep(
  step: Step,
  traveller: Traveller,
  result: unknown,
): Traveller | null {
  switch (step.kind) {
    case "filter":
      return Boolean(result) ? traveller : null;
    case "map":
      return { ...traveller, value: result };
    case "keyBy":
      return { ...traveller, key: result };
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}

function undelivered(
  { topic, partition, offset }: RawRecord,
  target: string,
  cause: unknown,
): PipelineError {
  return new PipelineError(
    "delivery-failed",
    `${topic}-${partition} at offset ${offset} could not be written to ${target}: ${failureOf(cause).message}`,
    cause,
  );
}
