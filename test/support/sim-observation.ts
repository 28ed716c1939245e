/**
 * What the clients of a simulated broker ask and are answered, as the checkers
 * see it. Nothing here knows how the broker works.
 */

/** Where records lie. */
export interface Place {
  readonly topic: string;
  readonly partition: number;
}

/**
 * A record that was read. Its id says which lane made it, and as which one:
 * `p1.2/17`. Where records have keys that come again, the id says that too, and
 * whether it takes the key away: `p1.2/17:k3`, `p1.2/18:k3:gone`.
 */
export interface SeenRecord {
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly id: string;
}

export type Stop =
  /** Everything that the system took stays. */
  | "kill"
  /** What was not synced may be lost. */
  | "power-cut"
  /** A failed sync let go of pages. */
  | "lost-pages"
  | "clean-stop";

/** `call` says when a question was asked: later ones have greater numbers. */
export type Observation =
  /** A lane is about to send these, in this order; `isRetried`: again until it is answered, and never doubled. */
  | (Place & {
      readonly kind: "sent";
      readonly ids: readonly string[];
      readonly isRetried: boolean;
      /** Of the records. */
      readonly timestampMs: number;
    })
  | (Place & {
      readonly kind: "acknowledged";
      readonly acks: 1 | -1;
      readonly baseOffset: number;
      readonly ids: readonly string[];
    })
  /** The same of records with keys that come again, in a topic that is compacted. */
  | (Place & { readonly kind: "writing"; readonly ids: readonly string[] })
  | (Place & {
      readonly kind: "written";
      readonly baseOffset: number;
      readonly ids: readonly string[];
    })
  /** Records that are younger stay. */
  | {
      readonly kind: "retained";
      readonly topic: string;
      readonly retentionMs: number;
    }
  | (Place & {
      readonly kind: "deleting-records";
      readonly beforeOffset: number;
    })
  /** `call`: whatever is asked from now on has a greater number. */
  | (Place & {
      readonly kind: "deleted-records";
      readonly call: number;
      readonly startOffset: number;
    })
  /** The broker refused the sequence that follows the last one it acknowledged. */
  | (Place & {
      readonly kind: "sequence-refused";
      readonly id: string;
      readonly errorCode: number;
    })
  | (Place & {
      readonly kind: "read";
      readonly call: number;
      readonly atMs: number;
      readonly fetchOffset: number;
      readonly startOffset: number;
      readonly records: readonly SeenRecord[];
    })
  /** Nothing fails any more, and this is all there is. */
  | (Place & {
      readonly kind: "audited";
      readonly atMs: number;
      readonly startOffset: number;
      readonly endOffset: number;
      readonly records: readonly SeenRecord[];
    })
  /** `call`: of the last question that was asked before. */
  | { readonly kind: "stopped"; readonly how: Stop; readonly call: number }
  | {
      readonly kind: "assigned";
      readonly group: string;
      readonly generation: number;
      readonly member: string;
      readonly partitions: readonly Place[];
    }
  /** The group is done with the record: it was handed over, or its results were. */
  | (Place & {
      readonly kind: "settled";
      readonly group: string;
      readonly id: string;
    })
  | (Place & {
      readonly kind: "committed";
      readonly call: number;
      readonly group: string;
      readonly offset: number;
    })
  | { readonly kind: "asking-committed"; readonly call: number }
  | (Place & {
      readonly kind: "found-committed";
      readonly call: number;
      readonly group: string;
      readonly offset: number | null;
    })
  /** How far a leader epoch reaches, asked for a position that was read up to in it. */
  | (Place & {
      readonly kind: "epoch-end";
      readonly offset: number;
      readonly leaderEpoch: number;
      readonly endOffset: number;
    })
  /** A group was told that its position lies beyond a lost tail, and goes back. */
  | (Place & {
      readonly kind: "went-back";
      readonly call: number;
      readonly group: string;
      readonly offset: number;
    })
  | { readonly kind: "creating-topic"; readonly topic: string }
  | { readonly kind: "created-topic"; readonly topic: string }
  | { readonly kind: "deleting-topic"; readonly topic: string }
  | { readonly kind: "deleted-topic"; readonly topic: string }
  | { readonly kind: "asking-topics"; readonly call: number }
  | {
      readonly kind: "found-topics";
      readonly call: number;
      readonly topics: readonly string[];
    }
  /** Records of one transaction, in any partitions. */
  | {
      readonly kind: "in-transaction";
      readonly transaction: string;
      readonly ids: readonly string[];
    }
  /** Its end was acknowledged. */
  | {
      readonly kind: "ended-transaction";
      readonly transaction: string;
      readonly isCommitted: boolean;
    }
  /** Some of what `read_committed` sees, or, at the end, all of it in every partition. */
  | {
      readonly kind: "read-committed";
      readonly ids: readonly string[];
      readonly isAll: boolean;
    }
  /** The same questions before and after everything was replayed from the disk. */
  | {
      readonly kind: "replayed";
      readonly how: Stop;
      readonly before: ReadonlyMap<string, string>;
      readonly after: ReadonlyMap<string, string>;
    }
  /** An index as it was, and as it was built anew from the log. */
  | {
      readonly kind: "rebuilt-index";
      readonly path: string;
      readonly kept: Uint8Array;
      readonly rebuilt: Uint8Array;
    };

export type Observe = (observation: Observation) => void;
