/**
 * A lane takes the records of one partition through one flow, one at a time and
 * in order. A fan-out gives each branch a lane of its own, with a queue of its
 * own: that is what isolates branches.
 *
 * Sending is not waited for before the next record starts, as the producer
 * keeps the order; handlers and sinks are.
 *
 * Every record that enters a lane leaves it by exactly one call of its `settle`:
 * delivered, filtered or dead-lettered. Where even the dead letter cannot be
 * written the run fails and the record stays unsettled, so that its offset is
 * never committed.
 */
import type { RawRecord } from "../client/index.ts";
import type {
  Branch,
  Ctx,
  Ending,
  Flow,
  Step,
  Traveller,
} from "./definition.ts";
import {
  DeadLetterRecord,
  type Failure,
  failureOf,
  SkipRecord,
} from "./errors.ts";
import type { BranchCounters } from "./stats.ts";

/** What lanes need of the run they belong to. */
export interface LaneHost {
  readonly ctx: Ctx;
  counters(branch: string | null): BranchCounters;
  /** Rejects where the record was not accepted by the broker. */
  send(
    topic: string,
    key: Uint8Array | null,
    value: Uint8Array | null,
    source: RawRecord,
  ): Promise<void>;
  /** Resolves when the dead letter is acknowledged; never rejects: it fails the run instead. */
  deadLetter(
    source: RawRecord,
    failure: Failure,
    branch: string | null,
  ): Promise<"written" | "run-failed">;
  /** True for failures that are not the record's fault: the run has to stop. */
  isInfrastructure(thrown: unknown): boolean;
  fail(thrown: unknown): void;
}

interface Item {
  readonly traveller: Traveller;
  readonly settle: () => void;
}

export class Lane {
  readonly #host: LaneHost;
  readonly #flow: Flow;
  readonly #branch: string | null;
  readonly #counters: BranchCounters;
  readonly #ending: BranchCounters;
  readonly #children: readonly Lane[];
  readonly #queue: Item[] = [];
  #isWorking = false;

  /** `branch`: null for the flow that every record of the source enters. */
  constructor(host: LaneHost, flow: Flow, branch: string | null) {
    this.#host = host;
    this.#flow = flow;
    this.#branch = branch;
    this.#counters = host.counters(branch);
    this.#ending = host.counters(branch ?? endingName(flow.ending));
    this.#children =
      flow.ending.kind === "fanOut"
        ? flow.ending.branches.map(
            ({ name, flow: inner }: Branch) =>
              new Lane(
                host,
                inner,
                branch === null ? name : `${branch}.${name}`,
              ),
          )
        : [];
  }

  enter(traveller: Traveller, settle: () => void): void {
    this.#counters.received += 1;
    this.#queue.push({ traveller, settle });
    if (!this.#isWorking) void this.#work();
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    for (;;) {
      const item = this.#queue.shift();
      if (item === undefined) break;
      try {
        const stepped = this.#step(item.traveller);
        const traveller = stepped instanceof Promise ? await stepped : stepped;
        if (traveller === null) {
          this.#counters.filtered += 1;
          item.settle();
          continue;
        }
        const ended = this.#end(traveller, item);
        if (ended instanceof Promise) await ended;
      } catch (thrown) {
        void this.#failed(thrown, item);
      }
    }
    this.#isWorking = false;
  }

  /** Null: filtered. A promise only where a step needs one. */
  #step(traveller: Traveller): Traveller | null | Promise<Traveller | null> {
    let current = traveller;
    for (const [index, step] of this.#flow.steps.entries()) {
      const next = applyStep(step, current, this.#host.ctx);
      if (next instanceof Promise) {
        return this.#stepOn(next, index + 1);
      }
      if (next === null) return null;
      current = next;
    }
    return current;
  }

  async #stepOn(
    pending: Promise<Traveller | null>,
    index: number,
  ): Promise<Traveller | null> {
    let current = await pending;
    for (const step of this.#flow.steps.slice(index)) {
      if (current === null) return null;
      current = await applyStep(step, current, this.#host.ctx);
    }
    return current;
  }

  #end(traveller: Traveller, item: Item): void | Promise<void> {
    const { ending } = this.#flow;
    if (ending.kind === "fanOut") {
      this.#fanOut(traveller, item);
      return;
    }
    if (ending.kind === "sink") {
      const handled = ending.handle(traveller, this.#host.ctx);
      if (!(handled instanceof Promise)) return this.#delivered(item);
      return handled.then(() => this.#delivered(item));
    }
    const { key, value } = ending.encode(traveller);
    void this.#host.send(ending.topic, key, value, traveller.source).then(
      () => this.#delivered(item),
      (thrown: unknown) => this.#failed(thrown, item),
    );
  }

  /** The record is settled here when it is settled in every branch. */
  #fanOut(traveller: Traveller, item: Item): void {
    let unsettledCount = this.#children.length;
    const settle = (): void => {
      unsettledCount -= 1;
      if (unsettledCount === 0) item.settle();
    };
    for (const child of this.#children) child.enter(traveller, settle);
  }

  #delivered(item: Item): void {
    this.#ending.delivered += 1;
    item.settle();
  }

  async #failed(thrown: unknown, item: Item): Promise<void> {
    if (thrown instanceof SkipRecord) {
      this.#counters.filtered += 1;
      item.settle();
      return;
    }
    const isRecordsFault =
      thrown instanceof DeadLetterRecord ||
      !this.#host.isInfrastructure(thrown);
    if (!isRecordsFault) {
      this.#host.fail(thrown);
      return;
    }
    const { source } = item.traveller;
    const outcome = await this.#host.deadLetter(
      source,
      failureOf(thrown),
      this.#branch,
    );
    if (outcome === "run-failed") return;
    this.#counters.deadLettered += 1;
    item.settle();
  }
}

function applyStep(
  step: Step,
  traveller: Traveller,
  ctx: Ctx,
): Traveller | null | Promise<Traveller | null> {
  if (step.kind === "filter") {
    const keeps = step.keeps(traveller);
    if (!(keeps instanceof Promise)) return keeps ? traveller : null;
    return keeps.then((kept) => (kept ? traveller : null));
  }
  if (step.kind === "keyBy") {
    return { ...traveller, key: step.keyOf(traveller) };
  }
  const value = step.apply(traveller, ctx);
  if (!(value instanceof Promise)) return { ...traveller, value };
  return value.then((resolved: unknown) => ({ ...traveller, value: resolved }));
}

/** A flow that never fans out is counted under the name of where it ends. */
function endingName(ending: Ending): string | null {
  if (ending.kind === "fanOut") return null;
  return ending.kind === "topic" ? ending.topic : ending.name;
}
