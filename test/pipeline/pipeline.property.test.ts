/**
 * A pipeline under every order of things that fast-check can think of: handlers
 * and acknowledgements that end in any order, failures, rebalances, crashes.
 *
 * What must hold is read off what the broker has, at every commit and at the
 * end: the run's own books are not asked.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { ClientError, topic } from "../../client/index.ts";
import type { Pipeline, Running } from "../../pipeline/index.ts";
import { FakeBroker, FakeClient, textOf } from "../support/fake-client.ts";
import { deadLetters, textPipeline } from "../support/pipeline-harness.ts";

const PARTITIONS = 2;
const BRANCHES = ["a", "b", "c"] as const;
type BranchName = (typeof BRANCHES)[number];

const fates = ["deliver", "filter", "throw", "refuse"] as const;
type Fate = (typeof fates)[number];

/** What becomes of a record in each branch, and whether its handlers take time. */
interface Plan {
  readonly partition: number;
  readonly fates: Readonly<Record<BranchName, Fate>>;
  readonly isSlow: boolean;
}

const planArbitrary: fc.Arbitrary<Plan> = fc.record({
  partition: fc.nat(PARTITIONS - 1),
  fates: fc.record({
    a: fc.constantFrom(...fates),
    b: fc.constantFrom(...fates),
    c: fc.constantFrom(...fates),
  }),
  isSlow: fc.boolean(),
});

interface Rebalance {
  readonly kind: "revoke" | "lose";
  readonly partition: number;
}

type Action =
  | { readonly kind: "release"; readonly which: number }
  | { readonly kind: "commit" }
  | { readonly kind: "crash" }
  | Rebalance;

const calm: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .nat(1_000)
      .map((which) => ({ kind: "release" as const, which })),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "commit" as const }) },
);
const rough: fc.Arbitrary<Action> = fc.oneof(
  { weight: 8, arbitrary: calm },
  { weight: 1, arbitrary: fc.constant({ kind: "crash" as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom("revoke" as const, "lose" as const),
      partition: fc.nat(PARTITIONS - 1),
    }),
  },
);

/** The world of one case. */
class World {
  readonly broker = new FakeBroker();
  readonly #plans: ReadonlyMap<string, Plan>;
  /** Handlers and acknowledgements that wait to be released. */
  #pending: (() => void)[] = [];
  #client: FakeClient;
  #run: Running | null = null;
  /** The last offset each branch began, by partition, since a start or rebalance. */
  readonly #begun = new Map<string, number>();
  /** Noted and not thrown: inside a handler it would be one more dead letter. */
  readonly disorders: string[] = [];

  constructor(plans: readonly Plan[]) {
    this.broker.create("in", PARTITIONS);
    this.#plans = new Map(
      plans.map((plan) => {
        const { offset } = this.broker.put("in", null, plan);
        return [`${plan.partition}:${offset}`, plan];
      }),
    );
    this.#client = this.#newClient();
  }

  get run(): Running {
    if (this.#run === null) throw new Error("not started");
    return this.#run;
  }

  async start(): Promise<void> {
    this.#begun.clear();
    this.#pending = [];
    this.#client = this.#newClient();
    this.#run = await this.#pipeline().run(this.#client);
    await this.broker.clock.settle(2);
  }

  async act(action: Action): Promise<void> {
    if (action.kind === "release") {
      const [release] = this.#pending.splice(
        action.which % Math.max(1, this.#pending.length),
        1,
      );
      release?.();
      await this.broker.clock.settle(2);
    } else if (action.kind === "commit") {
      await this.broker.clock.advanceAndSettle(100);
    } else if (action.kind === "crash") {
      this.#client.isCrashed = true;
      await this.start();
    } else {
      await this.#rebalance(action);
    }
    this.checkCommitted();
  }

  /** Lets everything end. */
  async finish(): Promise<void> {
    for (let round = 0; round < 1_000; round += 1) {
      for (const release of this.#pending.splice(0)) release();
      await this.broker.clock.settle(2);
      if (this.#pending.length === 0) break;
    }
    await this.run.stop();
    await this.run.done;
    this.checkCommitted();
  }

  checkAllCommitted(): void {
    expect(this.disorders).toEqual([]);
    for (const [partition, log] of this.broker.partitionsOf("in").entries()) {
      expect(this.broker.committed.get(`in-${partition}`) ?? 0).toBe(
        log.length,
      );
    }
  }

  /** Below what is committed, every branch has what it was to have. */
  checkCommitted(): void {
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      const end = this.broker.committed.get(`in-${partition}`) ?? 0;
      for (let offset = 0; offset < end; offset += 1) {
        for (const branch of BRANCHES) {
          const name = `${partition}:${offset}`;
          const fate = this.#plans.get(name)?.fates[branch];
          const isDone =
            fate === "filter" ||
            (fate === "deliver"
              ? this.delivered(branch).includes(name)
              : this.dead().includes(`${branch} ${name}`));
          expect([name, branch, fate, isDone]).toContain(true);
        }
      }
    }
  }

  delivered(branch: BranchName): readonly string[] {
    return this.broker
      .records(`out-${branch}`)
      .map(({ value }) => textOf(value) ?? "");
  }

  /** Dead letters, each with the branch it failed in. */
  dead(): readonly string[] {
    return this.broker.records(deadLetters).map((record) => {
      const branch = textOf(record.headers.get("x-pipeline-branch") ?? null);
      const offset = record.headers.get("kafka_dlt-original-offset");
      return `${branch} ${record.partition}:${offset?.at(-1)}`;
    });
  }

  expected(branch: BranchName, fate: (fate: Fate) => boolean): string[] {
    return [...this.#plans]
      .filter(([, plan]) => fate(plan.fates[branch]))
      .map(([name]) => name);
  }

  #newClient(): FakeClient {
    return new FakeClient(
      this.broker,
      {
        send: (name, value) => {
          const branch = BRANCHES.find((one) => name === `out-${one}`);
          if (branch === undefined) return;
          if (this.#plans.get(value ?? "")?.fates[branch] === "refuse") {
            throw new ClientError("refused", "too large", {
              answer: "message-too-large",
            });
          }
        },
        acknowledge: () => this.#wait(),
      },
      { batchCount: 3 },
    );
  }

  #pipeline(): Pipeline {
    return textPipeline(
      (s) =>
        s
          .map((_, { partition, offset }) => `${partition}:${offset}`)
          .fanOut({
            a: (b) => b.filter(this.#handler("a")).to(outOf("a")),
            b: (b) => b.filter(this.#handler("b")).to(outOf("b")),
            c: (b) => b.filter(this.#handler("c")).to(outOf("c")),
          }),
      {
        commitIntervalMs: 100,
        drainTimeoutMs: 1_000,
        inFlightPerPartitionMax: 4,
      },
    );
  }

  #handler(branch: BranchName) {
    return (name: string): boolean | Promise<boolean> => {
      const plan = this.#plans.get(name);
      this.#noteBegin(branch, name);
      const decide = (): boolean => {
        if (plan?.fates[branch] === "throw") throw new Error(branch);
        return plan?.fates[branch] !== "filter";
      };
      return plan?.isSlow === true ? this.#wait().then(decide) : decide();
    };
  }

  #noteBegin(branch: BranchName, name: string): void {
    const [partition, offset] = name.split(":").map(Number);
    const key = `${branch}-${partition}`;
    const last = this.#begun.get(key) ?? -1;
    if (offset === undefined || offset <= last) {
      this.disorders.push(`${branch} began ${name} behind ${last}`);
    }
    this.#begun.set(key, offset ?? last);
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => this.#pending.push(resolve));
  }

  async #rebalance(action: Rebalance): Promise<void> {
    const consumer = this.#client.consumers[0];
    const id = { topic: "in", partition: action.partition };
    const revoked = consumer?.revoke(
      [id],
      action.kind === "lose" ? "lost" : "revoked",
    );
    // Nobody releases what is pending: some drains end by their time-out.
    await this.broker.clock.advanceAndSettle(1_000);
    await revoked;
    for (const branch of BRANCHES) {
      this.#begun.delete(`${branch}-${action.partition}`);
    }
    await consumer?.assign([id]);
    await this.broker.clock.settle(2);
  }
}

function outOf(branch: BranchName) {
  return topic(`out-${branch}`, { format: "text" });
}

const isDelivered = (fate: Fate): boolean => fate === "deliver";
const isDead = (fate: Fate): boolean => fate === "throw" || fate === "refuse";
const plansArbitrary = fc.array(planArbitrary, { minLength: 1, maxLength: 20 });

test("whatever ends when: order is kept, and every record settles once in every branch", async () => {
  await fc.assert(
    fc.asyncProperty(
      plansArbitrary,
      fc.array(calm, { maxLength: 30 }),
      async (plans, actions) => {
        const world = new World(plans);
        await world.start();
        for (const action of actions) await world.act(action);
        await world.finish();
        for (const branch of BRANCHES) {
          for (let partition = 0; partition < PARTITIONS; partition += 1) {
            const isHere = (name: string): boolean =>
              name.startsWith(`${partition}:`);
            expect(world.delivered(branch).filter(isHere)).toEqual(
              world.expected(branch, isDelivered).filter(isHere),
            );
          }
        }
        expect([...world.dead()].sort()).toEqual(
          BRANCHES.flatMap((branch) =>
            world.expected(branch, isDead).map((name) => `${branch} ${name}`),
          ).sort(),
        );
        const stats = world.run.stats();
        expect(stats).toMatchObject({
          received: plans.length,
          settled: plans.length,
        });
        for (const branch of Object.values(stats.branches)) {
          expect(branch.filtered + branch.delivered + branch.deadLettered).toBe(
            branch.received,
          );
        }
        world.checkAllCommitted();
      },
    ),
    { numRuns: 60 },
  );
});

test("whatever crashes or is taken away when: nothing is lost", async () => {
  await fc.assert(
    fc.asyncProperty(
      plansArbitrary,
      fc.array(rough, { maxLength: 40 }),
      async (plans, actions) => {
        const world = new World(plans);
        await world.start();
        for (const action of actions) await world.act(action);
        await world.finish();
        for (const branch of BRANCHES) {
          expect([...new Set(world.delivered(branch))].sort()).toEqual(
            world.expected(branch, isDelivered).sort(),
          );
        }
        world.checkAllCommitted();
      },
    ),
    { numRuns: 100 },
  );
});
