/** What a run has done so far, branch by branch. */

export interface BranchStats {
  /** Records that reached the branch. */
  readonly received: number;
  readonly filtered: number;
  readonly delivered: number;
  readonly deadLettered: number;
}

/**
 * The run's own four count what happened before any branch: records read from
 * the source topics, those filtered or dead-lettered by shared steps (broken
 * bytes among them), and those delivered where the flow ends without a fan-out.
 */
export interface RunStats extends BranchStats {
  /** Records that are done: every branch has delivered, filtered or dead-lettered them. */
  readonly settled: number;
  /** Commits that failed; each is made good by the next that succeeds. */
  readonly commitFailures: number;
  /** By name; a branch of a branch is `outer.inner`. */
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
  readonly #root: BranchCounters = zero();
  readonly #branches = new Map<string, BranchCounters>();
  settled = 0;
  commitFailures = 0;

  /** Null: the flow that every record enters. */
  of(branch: string | null): BranchCounters {
    if (branch === null) return this.#root;
    let counters = this.#branches.get(branch);
    if (counters === undefined) {
      counters = zero();
      this.#branches.set(branch, counters);
    }
    return counters;
  }

  read(): RunStats {
    return {
      ...this.#root,
      settled: this.settled,
      commitFailures: this.commitFailures,
      branches: Object.fromEntries(
        [...this.#branches].map(([name, counters]) => [name, { ...counters }]),
      ),
    };
  }
}

function zero(): BranchCounters {
  return { received: 0, filtered: 0, delivered: 0, deadLettered: 0 };
}
