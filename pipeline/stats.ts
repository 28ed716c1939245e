/** What a run has done so far, branch by branch. */

export interface BranchStats {
  /** Records that reached the branch. */
  readonly received: number;
  readonly filtered: number;
  readonly delivered: number;
  readonly deadLettered: number;
}

export interface RunStats {
  /** Records read from the source topics. */
  readonly received: number;
  /** Records that are done: every branch has delivered, filtered or dead-lettered them. */
  readonly settled: number;
  /** Filtered before any branch. */
  readonly filtered: number;
  /** Dead-lettered before any branch: broken bytes, and failures in shared steps. */
  readonly deadLettered: number;
  readonly commitFailures: number;
  readonly branches: Readonly<Record<string, BranchStats>>;
}

/** The same, while it is being counted. */
export interface BranchCounters {
  received: number;
  filtered: number;
  delivered: number;
  deadLettered: number;
}

export class RunCounters {
  readonly root: BranchCounters = zero();
  settled = 0;
  commitFailures = 0;
  readonly #branches = new Map<string, BranchCounters>();

  branch(name: string): BranchCounters {
    let counters = this.#branches.get(name);
    if (counters === undefined) {
      counters = zero();
      this.#branches.set(name, counters);
    }
    return counters;
  }

  read(): RunStats {
    const branches: Record<string, BranchStats> = {};
    for (const [name, counters] of this.#branches) {
      branches[name] = { ...counters };
    }
    const { received, filtered, deadLettered } = this.root;
    const { settled, commitFailures } = this;
    return {
      received,
      settled,
      filtered,
      deadLettered,
      commitFailures,
      branches,
    };
  }
}

function zero(): BranchCounters {
  return { received: 0, filtered: 0, delivered: 0, deadLettered: 0 };
}
