/**
 * What `verify` may find in a data directory: how bad each kind is, what it
 * means, and what `repair` does about it.
 *
 *   damage      what was written is not there as it was, or would be served wrongly
 *   unfinished  what a crash left half done: the next opening cuts or rebuilds it
 *   leftover    harmless: nobody reads it, or nothing is lost without it
 *
 * docs/verify.md has a heading for each kind.
 */

export type Severity = "damage" | "unfinished" | "leftover";

export interface KindOfFinding {
  readonly severity: Severity;
  readonly meaning: string;
  /** What `repair` does, as an instruction would say it; null where it leaves the finding to people. */
  readonly repair: string | null;
  /** For people; empty where `repair` is all that is needed. */
  readonly advice: string;
}

const kinds = {
  "damaged-batch": {
    severity: "damage",
    meaning:
      "these bytes are not the batch that was written; its records cannot be read",
    repair: "write the log without these bytes, and keep them aside",
    advice: "",
  },
  "displaced-batch": {
    severity: "damage",
    meaning:
      "the records are whole, but the offset or the leader epoch in the batch's header was changed",
    repair: "put the header right from the batches around it",
    advice: "",
  },
  "torn-tail": {
    severity: "unfinished",
    meaning:
      "a crash came in the middle of a write; nothing behind it is whole",
    repair: "cut the log there, and keep what was cut aside",
    advice: "the next opening cuts it off too",
  },
  "missing-end": {
    severity: "damage",
    meaning:
      "records were on the disk up to that offset, and the log ends before it",
    repair: "begin an empty segment there, so that no offset is given twice",
    advice: "",
  },
  "missing-records": {
    severity: "damage",
    meaning:
      "the batch holds fewer records than offsets, though its topic was never compacted",
    repair: null,
    advice: "look at the batch with `millrace inspect --records`",
  },
  "unreadable-records": {
    severity: "damage",
    meaning:
      "the batch is as it was written, but what lies in it are no records, or too many to look at",
    repair: null,
    advice: "it was produced so: look for its producer; readers pass over it",
  },
  "wrong-index": {
    severity: "damage",
    meaning: "an entry says what the log does not: look-ups would go wrong",
    repair: "build the index anew from the log",
    advice: "",
  },
  "missing-index": {
    severity: "unfinished",
    meaning: "the segment has no such index",
    repair: "build the index anew from the log",
    advice: "the next opening builds it too",
  },
  "wrong-transaction-index": {
    severity: "damage",
    meaning:
      "an entry is of a transaction that the log does not show to be aborted, or one that it shows has no entry",
    repair: null,
    advice: "readers with read_committed may see records of that transaction",
  },
  "wrong-snapshot": {
    severity: "unfinished",
    meaning: "the producers' state at that offset cannot be used",
    repair: "build the snapshot anew from the log",
    advice: "an opening passes over it and reads the log instead",
  },
  "missing-snapshot": {
    severity: "unfinished",
    meaning:
      "a clean stop leaves the producers' state at the log's end, and there is none",
    repair: "take the state from the log",
    advice: "the next opening reads the log instead",
  },
  "wrong-epochs": {
    severity: "damage",
    meaning: "leader epochs do not begin where the batches say",
    repair: "build the file anew from the log",
    advice: "",
  },
  "wrong-topic-id": {
    severity: "damage",
    meaning:
      "the directory names another topic's id than the catalog: the partition stays offline, or the catalog's directory is refused, until that is put right",
    repair: "write the catalog's id",
    advice: "",
  },
  "missing-topic-id": {
    severity: "unfinished",
    meaning: "the directory does not say which topic it belongs to",
    repair: "write the catalog's id",
    advice: "the next opening writes it too",
  },
  "wrong-properties": {
    severity: "damage",
    meaning: "the broker refuses to open the directory because of this file",
    repair: "keep the file aside; the next opening makes a new one",
    advice: "a new meta.properties has a new cluster id",
  },
  "wrong-checkpoint": {
    severity: "damage",
    meaning: "lines of the file cannot be read or cannot be",
    repair: "write the file with its good lines",
    advice: "",
  },
  "start-behind-end": {
    severity: "damage",
    meaning:
      "the log is said to start behind its end: an opening would remove all of its records",
    repair: "take the line out: the log starts with its first segment",
    advice: "",
  },
  "emptied-log": {
    severity: "unfinished",
    meaning:
      "the log is said to start behind its end, as when a crash takes records that were being deleted",
    repair: null,
    advice:
      "the next opening empties the partition and goes on at that start; to keep its records, take its line out of the file first",
  },
  "unreadable-entry": {
    severity: "damage",
    meaning: "the record cannot be decoded as what its log holds",
    repair: null,
    advice:
      "if a newer release wrote it, use that one; the broker does not load this log",
  },
  "wrong-machine-snapshot": {
    severity: "leftover",
    meaning: "the snapshot cannot be used; the log is read from its start",
    repair: "keep it aside",
    advice: "",
  },
  "missing-machine-snapshot": {
    severity: "damage",
    meaning:
      "the log does not reach back to its first record, and no snapshot stands for what is missing",
    repair: null,
    advice: "restore the directory from a copy",
  },
  "unknown-partition": {
    severity: "leftover",
    meaning: "the catalog does not know this partition; nobody can read it",
    repair: null,
    advice: "`millrace serve --adopt` takes it in; or remove it",
  },
  "missing-partition": {
    severity: "damage",
    meaning: "a checkpoint knows records of a partition that has no directory",
    repair: null,
    advice: "restore the directory from a copy; it is empty without",
  },
  "deleted-partition": {
    severity: "leftover",
    meaning: "the files of a topic that was deleted",
    repair: "keep it aside",
    advice: "the broker removes what ends in -delete at its next opening",
  },
  "leftover-file": {
    severity: "leftover",
    meaning: "no opening has a use for this file",
    repair: "keep it aside",
    advice: "",
  },
  "unfinished-compaction": {
    severity: "unfinished",
    meaning: "a compaction ended, but its segment was not put in place",
    repair:
      "finish it, unless it is damaged; whatever else is found there waits for that",
    advice:
      "the next opening finishes it too: where it is damaged, copy the segments first",
  },
} as const satisfies Record<string, KindOfFinding>;

export type FindingKind = keyof typeof kinds;

export const findingKinds: Readonly<Record<FindingKind, KindOfFinding>> = kinds;

export interface Finding {
  readonly kind: FindingKind;
  /** As the kind has it, unless the place says otherwise. */
  readonly severity: Severity;
  /** Of the file or directory, from the data directory on. */
  readonly path: string;
  /** In the file; null where all of it is meant. */
  readonly position: number | null;
  readonly sizeBytes: number | null;
  readonly detail: string;
  /** What `repair` has to do; null where it leaves it. */
  readonly fix: Fix | null;
}

/** Repairs a whole file at a time, so several findings may ask for the same. */
export type Fix =
  /** Writes a .log without what does not hold. */
  | {
      readonly action: "rewrite-log";
      readonly partition: string;
      readonly path: string;
    }
  /** As an opening would: segments that were replaced go. */
  | {
      readonly action: "finish-compaction";
      readonly partition: string;
      readonly path: string;
    }
  /** Makes an index, a snapshot or the epochs anew from the log. */
  | {
      readonly action: "rebuild";
      readonly partition: string;
      readonly path: string;
    }
  | {
      readonly action: "move-aside";
      /** Null for what lies in the data directory itself. */
      readonly partition: string | null;
      readonly path: string;
    }
  /** Goes on with an empty segment at this offset. */
  | {
      readonly action: "extend";
      readonly partition: string;
      readonly path: string;
      readonly offset: number;
    }
  | {
      readonly action: "rewrite-file";
      readonly partition: string | null;
      readonly path: string;
      readonly content: Uint8Array;
    };
