/**
 * What a pipeline is, as data: steps, then an ending, and an ending may fan out
 * into named branches that are flows themselves.
 *
 * `Stage` builds it, with types that follow the record from step to step. What
 * a stage returns is a new stage: a definition has no state and can be run as
 * often as one likes, over any client.
 */
import type { RawRecord, Rec, TopicSink } from "../client/index.ts";
import { PipelineError } from "./errors.ts";

/** What a handler may do besides returning. */
export interface Ctx {
  /** Aborted when the run stops: long work should end. */
  readonly signal: AbortSignal;
  /** The record is done here: counted as filtered. */
  skip(): never;
  /** The record goes to the dead-letter topic, with this reason. */
  deadLetter(reason: string): never;
}

/** A record on its way: what it was, and what the steps have made of it. */
export interface Traveller {
  readonly source: RawRecord;
  readonly record: Rec;
  readonly key: unknown;
  readonly value: unknown;
}

export type Step =
  | {
      readonly kind: "filter";
      readonly keeps: (traveller: Traveller) => boolean | Promise<boolean>;
    }
  | {
      readonly kind: "map";
      readonly apply: (traveller: Traveller, ctx: Ctx) => unknown;
    }
  | {
      readonly kind: "keyBy";
      readonly keyOf: (traveller: Traveller) => unknown;
    };

export type Ending =
  | {
      readonly kind: "topic";
      readonly topic: string;
      readonly encode: (traveller: Traveller) => EncodedPair;
    }
  | {
      readonly kind: "sink";
      readonly name: string;
      readonly handle: (traveller: Traveller, ctx: Ctx) => void | Promise<void>;
    }
  | { readonly kind: "fanOut"; readonly branches: readonly Branch[] };

export interface EncodedPair {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
}

export interface Flow {
  readonly steps: readonly Step[];
  readonly ending: Ending;
}

export interface Branch {
  readonly name: string;
  readonly flow: Flow;
}

/** What `build` has to return: a stage that has its ending. */
export interface Built {
  readonly flow: Flow;
}

type BranchBuilders<K, V> = Readonly<
  Record<string, (stage: Stage<K, V>) => Built>
>;

export interface Stage<K, V> {
  /** Goes on with the records that hold. A type guard narrows the value. */
  filter<W extends V>(
    holds: (value: V, record: Rec<K, V>) => value is W,
  ): Stage<K, W>;
  filter(
    holds: (value: V, record: Rec<K, V>) => boolean | Promise<boolean>,
  ): Stage<K, V>;
  /** Goes on with what `apply` returns or resolves to. Throwing dead-letters the record. */
  map<W>(
    apply: (value: V, record: Rec<K, V>, ctx: Ctx) => W | Promise<W>,
  ): Stage<K, W>;
  /** Gives the record another key, and so perhaps another partition downstream. */
  keyBy<J>(keyOf: (value: V, record: Rec<K, V>) => J): Stage<J, V>;
  /** Ends in a topic. The headers of the record go with it. */
  to(topic: TopicSink<K, V>): Built;
  /** Ends in a function: the record is delivered when it returns or resolves. */
  sink(
    handle: (value: V, record: Rec<K, V>, ctx: Ctx) => void | Promise<void>,
    options?: { readonly name?: string },
  ): Built;
  /**
   * Every branch gets the record. Branches are isolated: a slow or failing one
   * holds up no other; the source offset is done when all of them are.
   */
  fanOut(branches: BranchBuilders<K, V>): Built;
}

/** The stage a pipeline starts with: no steps yet. */
export function createStage<K, V>(steps: readonly Step[] = []): Stage<K, V> {
  const then = (step: Step): readonly Step[] => [...steps, step];
  return {
    filter(holds: (value: V, record: Rec<K, V>) => boolean | Promise<boolean>) {
      const keeps = (t: Traveller) => holds(valueOf<V>(t), recordOf<K, V>(t));
      return createStage<K, never>(then({ kind: "filter", keeps }));
    },
    map<W>(transform: (value: V, record: Rec<K, V>, ctx: Ctx) => W) {
      const apply = (t: Traveller, ctx: Ctx) =>
        transform(valueOf<V>(t), recordOf<K, V>(t), ctx);
      return createStage<K, Awaited<W>>(then({ kind: "map", apply }));
    },
    keyBy<J>(choose: (value: V, record: Rec<K, V>) => J) {
      const keyOf = (t: Traveller) => choose(valueOf<V>(t), recordOf<K, V>(t));
      return createStage<J, V>(then({ kind: "keyBy", keyOf }));
    },
    to(topic) {
      const encode = (t: Traveller) => ({
        key: topic.key.encode(keyOf<K>(t)),
        value: topic.value.encode(valueOf<V>(t)),
      });
      return built(steps, { kind: "topic", topic: topic.name, encode });
    },
    sink(handle, options = {}) {
      return built(steps, {
        kind: "sink",
        name: options.name ?? "sink",
        handle: (t, ctx) => handle(valueOf<V>(t), recordOf<K, V>(t), ctx),
      });
    },
    fanOut(branches) {
      return built(steps, {
        kind: "fanOut",
        branches: buildBranches(branches),
      });
    },
  };
}

function buildBranches<K, V>(
  builders: BranchBuilders<K, V>,
): readonly Branch[] {
  const branches = Object.entries(builders).map(([name, build]) => ({
    name,
    flow: build(createStage<K, V>()).flow,
  }));
  if (branches.length === 0) {
    throw new PipelineError("invalid-definition", "fanOut has no branches");
  }
  return branches;
}

function built(steps: readonly Step[], ending: Ending): Built {
  return { flow: { steps, ending } };
}

// A stage's types say what its steps were given. The definition itself is
// untyped data, so the three functions below are where the types come back.
function keyOf<K>(traveller: Traveller): K {
  return traveller.key as K;
}

function valueOf<V>(traveller: Traveller): V {
  return traveller.value as V;
}

/** The record as the present step sees it: its source, with key and value as they are by now. */
function recordOf<K, V>(traveller: Traveller): Rec<K, V> {
  return {
    ...traveller.record,
    key: keyOf<K>(traveller),
    value: valueOf<V>(traveller),
  };
}

/** Every topic the flow can write to. */
export function topicsOf(flow: Flow): readonly string[] {
  const { ending } = flow;
  if (ending.kind === "topic") return [ending.topic];
  if (ending.kind === "sink") return [];
  return ending.branches.flatMap((branch) => topicsOf(branch.flow));
}
