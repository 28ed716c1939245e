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

/**
 * What a handler may do besides returning. `skip` and `deadLetter` throw: do not
 * catch what they throw.
 */
export interface Ctx {
  /**
   * Aborted when what the handler is working on will not be waited for any
   * longer: the run stopped, or the partition was taken away, and the drain
   * timed out. What it does afterwards is not counted, and the record is read
   * again.
   */
  readonly signal: AbortSignal;
  /** The record is done here: counted as filtered. */
  skip(): never;
  /** The record goes to the dead-letter topic, with this reason. */
  deadLetter(reason: string): never;
}

/** A record on its way: what was read, and what the steps have made of it. */
export interface Traveller {
  readonly source: RawRecord;
  readonly key: unknown;
  readonly value: unknown;
}

/** Filters say whether, maps what with, keyBy under which key it goes on. */
export interface Step {
  readonly kind: "filter" | "map" | "keyBy";
  readonly call: (traveller: Traveller, ctx: Ctx) => unknown;
}

export type Ending =
  | {
      readonly kind: "topic";
      readonly topic: string;
      readonly encode: (traveller: Traveller) => EncodedPair;
    }
  | {
      readonly kind: "sink";
      readonly handle: (traveller: Traveller, ctx: Ctx) => unknown;
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
  /**
   * Goes on with the records that hold. A type guard narrows the value. To throw
   * the record out as broken rather than as unwanted, throw.
   */
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
  keyBy<J>(
    choose: (value: V, record: Rec<K, V>) => J | Promise<J>,
  ): Stage<J, V>;
  /** Ends in a topic. The timestamp and the headers of the record go with it. */
  to(topic: TopicSink<K, V>): Built;
  /** Ends in a function: the record is delivered when it returns or resolves. */
  sink(
    handle: (value: V, record: Rec<K, V>, ctx: Ctx) => void | Promise<void>,
  ): Built;
  /**
   * Every branch gets the record, and its own copy of plain data: changing it
   * concerns no other branch. Branches are isolated: a slow or failing one
   * holds up no other, until `inFlightPerPartitionMax` records wait for it. The
   * source offset is done when all branches are.
   */
  fanOut(branches: BranchBuilders<K, V>): Built;
}

/** The stage a pipeline starts with: no steps yet. */
export function createStage<K, V>(steps: readonly Step[] = []): Stage<K, V> {
  const then = (kind: Step["kind"], call: Step["call"]): readonly Step[] => [
    ...steps,
    { kind, call },
  ];
  return {
    filter(holds: (value: V, record: Rec<K, V>) => boolean | Promise<boolean>) {
      const call = (t: Traveller) => holds(valueOf<V>(t), recordOf<K, V>(t));
      return createStage<K, never>(then("filter", call));
    },
    map<W>(apply: (value: V, record: Rec<K, V>, ctx: Ctx) => W | Promise<W>) {
      const call = (t: Traveller, ctx: Ctx) =>
        apply(valueOf<V>(t), recordOf<K, V>(t), ctx);
      return createStage<K, W>(then("map", call));
    },
    keyBy<J>(choose: (value: V, record: Rec<K, V>) => J | Promise<J>) {
      const call = (t: Traveller) => choose(valueOf<V>(t), recordOf<K, V>(t));
      return createStage<J, V>(then("keyBy", call));
    },
    to(topic) {
      const encode = (t: Traveller) => ({
        key: topic.key.encode(keyOf<K>(t)),
        value: topic.value.encode(valueOf<V>(t)),
      });
      return built(steps, { kind: "topic", topic: topic.name, encode });
    },
    sink(handle) {
      return built(steps, {
        kind: "sink",
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
  const branches = Object.entries(builders).map(([name, build]) => {
    // Statistics and dead letters name a branch of a branch `outer.inner`.
    if (name === "" || name.includes(".")) {
      throw new PipelineError(
        "invalid-definition",
        `a branch needs a name without a dot, got "${name}"`,
      );
    }
    return { name, flow: build(createStage<K, V>()).flow };
  });
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
    ...traveller.source,
    key: keyOf<K>(traveller),
    value: valueOf<V>(traveller),
  };
}

/** Every topic the flow can write to. */
export function topicsOf({ ending }: Flow): readonly string[] {
  if (ending.kind === "topic") return [ending.topic];
  if (ending.kind === "sink") return [];
  return ending.branches.flatMap((branch) => topicsOf(branch.flow));
}
