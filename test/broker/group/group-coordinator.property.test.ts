/**
 * Whatever clients do, in whatever order: checked on what they are told, and on
 * what the log tells after it.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { JoinedAnswer } from "../../../broker/group/group-answers.ts";
import type { GroupCoordinator } from "../../../broker/group/group-coordinator.ts";
import { groupRecordCodec } from "../../../broker/group/group-record-codec.ts";
import type { GroupRecord } from "../../../broker/group/group-record.ts";
import type { StateMachine } from "../../../broker/machine/machine.ts";
import type { Effects } from "../../support/machine-harness.ts";
import {
  groupHarness,
  subscription,
  type GroupHarness,
} from "./group-language.ts";

const GROUP = "g";
const PARTITIONS = [0, 1, 2, 3];
const clients = ["a", "b", "c", "static1", "static2"] as const;
type Name = (typeof clients)[number];

const client = fc.constantFrom<Name>(...clients);
const action = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      verb: fc.constant("join" as const),
      client,
      isAmnesic: fc.constantFrom(true, false, false, false),
      requiresMemberId: fc.boolean(),
      topics: fc.constantFrom(["t"], ["t", "u"]),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      verb: fc.constant("sync" as const),
      client,
      owners: fc.array(fc.nat(4), { minLength: 4, maxLength: 4 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ verb: fc.constant("heartbeat" as const), client }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ verb: fc.constant("leave" as const), client }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      verb: fc.constant("commit" as const),
      client: fc.option(client),
      partition: fc.constantFrom(...PARTITIONS),
      offset: fc.nat(1_000),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      verb: fc.constant("wait" as const),
      ms: fc.constantFrom(1, 5_000, 10_000, 60_000),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      verb: fc.constant("settle" as const),
      order: fc.shuffledSubarray([...clients], { minLength: 2 }),
      owners: fc.array(fc.nat(4), { minLength: 4, maxLength: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant("reload" as const) }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant("delete" as const) }) },
);
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

/** What a client knows, from what it was told. */
interface Known {
  memberId: string | null;
  joined: JoinedAnswer | null;
}

class World {
  readonly harness: GroupHarness = groupHarness({
    offsetsRetentionMs: 10 ** 12,
  });
  readonly #known = new Map<Name, Known>(
    clients.map((name) => [name, { memberId: null, joined: null }]),
  );
  readonly #committed = new Map<number, number>();
  /** Who has been told to own a partition, by generation and partition. */
  readonly #owners = new Map<string, string>();

  act(action: Action): void {
    switch (action.verb) {
      case "join":
        return this.#join(action);
      case "sync":
        return this.#sync(action);
      case "heartbeat":
        return this.#heartbeat(action.client);
      case "leave":
        return this.#leave(action.client);
      case "commit":
        return this.#commit(action);
      case "wait":
        return this.#wait(action.ms);
      case "settle":
        return this.#settle(action);
      case "reload":
        return this.harness.reload();
      case "delete":
        return this.#delete();
    }
  }

  #join(action: Extract<Action, { verb: "join" }>): void {
    const known = this.#of(action.client);
    const command = this.harness.machine.joinGroup({
      groupId: GROUP,
      memberId: action.isAmnesic ? null : known.memberId,
      instanceId: instanceOf(action.client),
      clientId: action.client,
      clientHost: "/127.0.0.1",
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 20_000,
      protocolType: "consumer",
      protocols: [{ name: "range", metadata: subscription(action.topics) }],
      requiresMemberId: action.requiresMemberId,
      canSkipAssignment: false,
    });
    this.#note(
      this.harness.run(command, {
        name: action.client,
        show: (answer) => {
          if (answer.error === null) known.joined = answer;
          if (answer.error === null || answer.error === "member-id-required") {
            known.memberId = answer.memberId;
          }
          return "";
        },
      }),
    );
  }

  #sync(action: Extract<Action, { verb: "sync" }>): void {
    const { joined } = this.#of(action.client);
    if (joined === null) return;
    const { memberId, generation, members } = joined;
    // An honest leader: each partition to one of the members it was told of.
    const assignments = members.map((member, index) => ({
      memberId: member.memberId,
      assignment: Uint8Array.from(
        PARTITIONS.filter(
          (partition) =>
            (action.owners[partition] ?? 0) % members.length === index,
        ),
      ),
    }));
    const command = this.harness.machine.syncGroup({
      groupId: GROUP,
      memberId,
      instanceId: instanceOf(action.client),
      generation,
      protocolType: "consumer",
      protocol: "range",
      assignments,
    });
    this.#note(
      this.harness.run(command, {
        name: action.client,
        show: (answer) => {
          if (answer.error !== null) return "";
          const owner = instanceOf(action.client) ?? memberId;
          for (const partition of answer.assignment) {
            const place = `${generation}/${partition}`;
            expect(this.#owners.get(place) ?? owner).toBe(owner);
            this.#owners.set(place, owner);
          }
          return "";
        },
      }),
    );
  }

  /** What clients do that want to get on: all join, then all ask for their part. */
  #settle({ order, owners }: Extract<Action, { verb: "settle" }>): void {
    for (const client of [...order, ...order]) {
      const options = { requiresMemberId: true, isAmnesic: false };
      this.#join({ verb: "join", client, topics: ["t"], ...options });
    }
    for (const client of order) this.#sync({ verb: "sync", client, owners });
  }

  #heartbeat(name: Name): void {
    const { joined } = this.#of(name);
    if (joined === null) return;
    const { memberId, generation } = joined;
    const command = this.harness.machine.heartbeat({
      groupId: GROUP,
      memberId,
      instanceId: instanceOf(name),
      generation,
    });
    this.harness.ask(command);
  }

  #leave(name: Name): void {
    const command = this.harness.machine.leaveGroup({
      groupId: GROUP,
      members: [
        { memberId: this.#of(name).memberId, instanceId: instanceOf(name) },
      ],
    });
    this.#note(this.harness.run(command, { name, show: () => "" }));
  }

  #commit(action: Extract<Action, { verb: "commit" }>): void {
    const { client: name, partition, offset } = action;
    const joined = name === null ? null : this.#of(name).joined;
    const command = this.harness.machine.commitOffsets({
      groupId: GROUP,
      memberId: joined?.memberId ?? null,
      instanceId: null,
      generation: joined?.generation ?? null,
      retentionMs: null,
      topics: [
        {
          topic: "t",
          partitions: [
            { partition, offset, leaderEpoch: null, metadata: null },
          ],
        },
      ],
    });
    const answer = this.harness.ask(command);
    if (answer.error === null) this.#committed.set(partition, offset);
  }

  #delete(): void {
    const [answer] = this.harness.ask(
      this.harness.machine.deleteGroups([GROUP]),
    );
    if (answer?.error !== null) return;
    this.#committed.clear();
    this.#owners.clear();
  }

  #wait(ms: number): void {
    const { harness } = this;
    for (const effects of harness.advanceTo(harness.elapsedMs + ms)) {
      this.#note(effects);
    }
  }

  /** A group that is gone begins again with its first generation. */
  #note({ records }: Effects<GroupRecord>): void {
    const isGone = records.some(
      ({ kind, value }) => kind === "group" && value === null,
    );
    if (isGone) this.#owners.clear();
  }

  #of(name: Name): Known {
    const known = this.#known.get(name);
    if (known === undefined) throw new Error(`nobody is called ${name}`);
    return known;
  }

  checkOffsets(): void {
    const { topics } = this.harness.ask(
      this.harness.machine.fetchOffsets({ groupId: GROUP, topics: null }),
    );
    const found = topics.flatMap(({ partitions }) =>
      partitions.map(({ partition, offset }) => [partition, offset]),
    );
    expect(new Map(found as [number, number][])).toEqual(this.#committed);
  }

  checkReplay(): void {
    const replayed = this.harness.replayed();
    const restored = this.harness.restored();
    const state = stateOf(this.harness.machine);
    expect(stateOf(replayed)).toEqual(state);
    expect(stateOf(restored)).toEqual(state);
    expect(this.#describe(replayed)).toEqual(this.#describe(restored));
  }

  #describe(machine: GroupCoordinator): readonly unknown[] {
    return this.harness
      .ask(machine.describeGroups([GROUP]))
      .map(({ members, ...group }) => ({
        ...group,
        members: members.toSorted((left, right) =>
          left.memberId < right.memberId ? -1 : 1,
        ),
      }));
  }

  /** When all fall silent, nobody is left waiting and no time-out but the sweep's is left. */
  checkSilence(): void {
    this.#wait(10 ** 6);
    expect(this.harness.waitingCount).toBe(0);
    expect(this.harness.timerCount).toBe(1);
  }
}

function instanceOf(name: Name): string | null {
  return name.startsWith("static") ? name : null;
}

function stateOf(machine: StateMachine<GroupRecord>): readonly string[] {
  return Array.from(machine.snapshot(), (record) => {
    const { key, value } = groupRecordCodec.encode(record);
    return [key, value]
      .map((bytes) => Buffer.from(bytes ?? []).toString("hex"))
      .join(" ");
  }).sort();
}

test("a partition has one owner a generation, no offset is lost, and the log tells the whole state", () => {
  fc.assert(
    fc.property(
      fc.array(action, { minLength: 10, maxLength: 50, size: "max" }),
      (actions) => {
        const world = new World();
        for (const each of actions) {
          world.act(each);
          world.checkOffsets();
          world.checkReplay();
        }
        world.checkSilence();
      },
    ),
    // On a busy machine fewer, rather than a longer wait.
    { numRuns: 150, interruptAfterTimeLimit: 3_000 },
  );
});
