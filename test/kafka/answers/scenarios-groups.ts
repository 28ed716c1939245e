/**
 * The classic group protocol, and what is known of groups: JoinGroup to
 * LeaveGroup, DescribeGroups, ListGroups, DeleteGroups.
 */
import type {
  RequestBody,
  ResponseBody,
} from "../../support/kafka-connection.ts";
import { type Asker, type Scenario, versionsOf } from "./asker.ts";

/** A consumer's subscription, version 0: no topics, no user data. */
const metadata = Buffer.from("000000000000ffffffff", "hex");

interface Joining {
  readonly memberId?: string;
  readonly instance?: string | null;
  readonly protocolType?: string;
  readonly protocols?: readonly string[];
  readonly sessionMs?: number;
}

function joinBody(groupId: string, more: Joining = {}): RequestBody<11> {
  return {
    groupId,
    sessionTimeoutMs: more.sessionMs ?? 300_000,
    rebalanceTimeoutMs: 300_000,
    memberId: more.memberId ?? "",
    groupInstanceId: more.instance ?? null,
    protocolType: more.protocolType ?? "consumer",
    protocols: (more.protocols ?? ["range", "sticky"]).map((name) => ({
      name,
      metadata,
    })),
  };
}

/** Kafka creates its offsets topic when it is first needed, and loads it. */
export async function untilGroupsWork(asker: Asker): Promise<void> {
  await asker.untilReady(
    () => asker.quietly(10, 0, { key: "any", keyType: 0, coordinatorKeys: [] }),
    ({ errorCode }) => errorCode,
  );
  await asker.untilReady(
    () => asker.quietly(12, 0, heartbeatBody("any", "nobody", 1)),
    ({ errorCode }) => errorCode,
  );
}

function heartbeatBody(
  groupId: string,
  memberId: string,
  generationId: number,
  groupInstanceId: string | null = null,
): RequestBody<12> {
  return { groupId, generationId, memberId, groupInstanceId };
}

function syncBody(
  groupId: string,
  memberId: string,
  generationId: number,
  more: Partial<RequestBody<14>> = {},
): RequestBody<14> {
  return {
    groupId,
    generationId,
    memberId,
    assignments: [{ memberId, assignment: Buffer.from("all of it") }],
    ...more,
  };
}

const joinGroup: Scenario = {
  name: "JoinGroup",
  run: async (asker) => {
    await untilGroupsWork(asker);
    const ask = (
      question: string,
      body: (version: number) => RequestBody<11>,
      first = 0,
    ) => asker.askAll(question, 11, body, first);
    await ask("an empty group id", () => joinBody(""));
    await ask("a session too short", () => joinBody("j", { sessionMs: 1 }));
    await ask("a session too long", () => joinBody("j", { sessionMs: 2e9 }));
    await ask("a member nobody knows", () => joinBody("j", { memberId: "x" }));
    await ask("no protocols", () => joinBody("j-none", { protocols: [] }));
    await ask("no protocol type", () =>
      joinBody("j-typeless", { protocolType: "" }),
    );
    for (const version of versionsOf(11)) await joinTwice(asker, version);
  },
};

/** Up to version 3 a member is in at once; from 4 on it is given its id first. */
async function joinTwice(asker: Asker, version: number): Promise<void> {
  const groupId = `join-${version}`;
  const first = await asker.ask(
    "a first member",
    11,
    version,
    joinBody(groupId),
  );
  const memberId = first?.memberId ?? "";
  const second = await asker.ask(
    "with its id",
    11,
    version,
    joinBody(groupId, { memberId }),
  );
  const other = asker.another();
  try {
    await other.ask(
      "another type",
      11,
      version,
      joinBody(groupId, { protocolType: "connect" }),
    );
    await other.ask(
      "no common protocol",
      11,
      version,
      joinBody(groupId, { protocols: ["other"] }),
    );
    const sync = syncBody(groupId, memberId, second?.generationId ?? -1);
    await asker.ask(`after a join in v${version}`, 14, 5, {
      ...sync,
      protocolType: "consumer",
      protocolName: "range",
    });
    await asker.ask(
      "joined and joins again",
      11,
      version,
      joinBody(groupId, { memberId }),
    );
    await asker.quietly(13, 0, { groupId, memberId, members: [] });
  } finally {
    other.close();
  }
}

interface Member {
  readonly groupId: string;
  readonly memberId: string;
  readonly generation: number;
}

/** A member of a group of its own, in its first generation. */
async function joined(
  asker: Asker,
  groupId: string,
  more: Joining = {},
): Promise<Member> {
  let answer: ResponseBody<11> = await asker.quietly(
    11,
    5,
    joinBody(groupId, more),
  );
  if (answer.errorCode === 79) {
    const { memberId } = answer;
    answer = await asker.quietly(
      11,
      5,
      joinBody(groupId, { ...more, memberId }),
    );
  }
  if (answer.errorCode !== 0)
    throw new Error(`join ${groupId}: ${answer.errorCode}`);
  return {
    groupId,
    memberId: answer.memberId,
    generation: answer.generationId,
  };
}

async function stable(
  asker: Asker,
  groupId: string,
  more: Joining = {},
): Promise<Member> {
  const member = await joined(asker, groupId, more);
  const body = syncBody(groupId, member.memberId, member.generation);
  const { errorCode } = await asker.quietly(14, 0, body);
  if (errorCode !== 0) throw new Error(`sync ${groupId}: ${errorCode}`);
  return member;
}

const membership: Scenario = {
  name: "SyncGroup, Heartbeat, LeaveGroup",
  run: async (asker) => {
    await untilGroupsWork(asker);
    for (const version of versionsOf(14)) await syncs(asker, version);
    for (const version of versionsOf(12)) await heartbeats(asker, version);
    for (const version of versionsOf(13)) await leaves(asker, version);
    await rebalance(asker);
  },
};

async function syncs(asker: Asker, version: number): Promise<void> {
  const groupId = `sync-${version}`;
  const ask = (question: string, body: RequestBody<14>) =>
    asker.ask(question, 14, version, body);
  await ask("no group", syncBody("no-such", "x", 1));
  await ask("an empty group id", syncBody("", "x", 1));
  const { memberId, generation } = await joined(asker, groupId);
  const names = { protocolType: "consumer", protocolName: "range" };
  await ask("a stranger", syncBody(groupId, "x", generation, names));
  await ask(
    "an old generation",
    syncBody(groupId, memberId, generation - 1, names),
  );
  await ask(
    "the wrong protocol",
    syncBody(groupId, memberId, generation, {
      ...names,
      protocolName: "other",
    }),
  );
  await ask(
    "the wrong type",
    syncBody(groupId, memberId, generation, {
      ...names,
      protocolType: "other",
    }),
  );
  await ask("the leader's", syncBody(groupId, memberId, generation, names));
  await ask(
    "again, once stable",
    syncBody(groupId, memberId, generation, names),
  );
}

async function heartbeats(asker: Asker, version: number): Promise<void> {
  const groupId = `beat-${version}`;
  const ask = (question: string, body: RequestBody<12>) =>
    asker.ask(question, 12, version, body);
  await ask("no group", heartbeatBody("no-such", "x", 1));
  await ask("an empty group id", heartbeatBody("", "x", 1));
  const { memberId, generation } = await joined(asker, groupId);
  await ask("before the sync", heartbeatBody(groupId, memberId, generation));
  await asker.quietly(14, 0, syncBody(groupId, memberId, generation));
  await ask("a member's", heartbeatBody(groupId, memberId, generation));
  await ask("a stranger's", heartbeatBody(groupId, "x", generation));
  await ask(
    "an old generation's",
    heartbeatBody(groupId, memberId, generation - 1),
  );
  await ask(
    "a later generation's",
    heartbeatBody(groupId, memberId, generation + 1),
  );
  if (version >= 3) {
    await ask(
      "an instance nobody knows",
      heartbeatBody(groupId, memberId, generation, "i"),
    );
  }
}

async function leaves(asker: Asker, version: number): Promise<void> {
  const groupId = `leave-${version}`;
  const ask = (
    question: string,
    id: string,
    memberId: string,
    instance: string | null = null,
  ) =>
    asker.ask(question, 13, version, {
      groupId: id,
      memberId,
      members: [{ memberId, groupInstanceId: instance }],
    });
  await ask("no group", "no-such", "x");
  await ask("an empty group id", "", "x");
  const { memberId } = await stable(asker, groupId);
  await ask("a stranger", groupId, "x");
  if (version >= 3) await ask("an instance nobody knows", groupId, "", "i");
  await ask("a member", groupId, memberId);
  await ask("gone already", groupId, memberId);
  if (version < 3) return;
  await asker.ask("nobody", 13, version, {
    groupId,
    memberId: "",
    members: [],
  });
}

/** A second member makes the first join again, and one that leaves too. */
async function rebalance(asker: Asker): Promise<void> {
  const first = await stable(asker, "two");
  const other = asker.another();
  try {
    const asked = await other.quietly(11, 5, joinBody("two"));
    const joining = other.quietly(
      11,
      5,
      joinBody("two", { memberId: asked.memberId }),
    );
    await asker.untilReady(
      async () =>
        (await asker.quietly(12, 4, heartbeatBody("two", first.memberId, 1)))
          .errorCode === 27,
      (isRebalancing) => (isRebalancing ? 0 : 15),
    );
    await asker.ask(
      "while it rebalances",
      12,
      4,
      heartbeatBody("two", first.memberId, 1),
    );
    const protocol = { protocolType: "consumer", protocolName: "range" };
    await asker.ask("a sync while it rebalances", 14, 5, {
      ...syncBody("two", first.memberId, 1),
      ...protocol,
    });
    const again = await asker.ask(
      "joined by another",
      11,
      7,
      joinBody("two", { memberId: first.memberId }),
    );
    const second = await joining;
    asker.note("the second member's join", { ...second, leader: "the first" });
    const awaited = other.quietly(14, 5, {
      ...syncBody("two", second.memberId, 2),
      ...protocol,
      assignments: [],
    });
    await asker.ask("the leader assigns", 14, 5, {
      ...syncBody("two", first.memberId, again?.generationId ?? 2),
      ...protocol,
      assignments: [first.memberId, second.memberId].map((memberId, n) => ({
        memberId,
        assignment: Buffer.from(`part ${n}`),
      })),
    });
    asker.note("the second member's part", await awaited);
  } finally {
    other.close();
  }
}

const staticMembers: Scenario = {
  name: "static members",
  run: async (asker) => {
    await untilGroupsWork(asker);
    for (const version of versionsOf(11).filter((one) => one >= 5)) {
      const groupId = `static-${version}`;
      const instance = "one";
      const join = (question: string, more: Joining) =>
        asker.ask(question, 11, version, joinBody(groupId, more));
      const first = await join("a first instance", { instance });
      const memberId = first?.memberId ?? "";
      const generation = first?.generationId ?? 1;
      await asker.quietly(14, 3, {
        ...syncBody(groupId, memberId, generation),
        groupInstanceId: instance,
      });
      const again = await join("the same instance anew", { instance });
      await asker.ask(
        `the one before, v${version}`,
        12,
        4,
        heartbeatBody(groupId, memberId, generation, instance),
      );
      await asker.ask(
        `the new one, v${version}`,
        12,
        4,
        heartbeatBody(groupId, again?.memberId ?? "", generation, instance),
      );
      await join("the one before joins", { instance, memberId });
      await asker.ask(`leaves by instance, v${version}`, 13, 4, {
        groupId,
        memberId: "",
        members: [{ memberId: "", groupInstanceId: instance }],
      });
    }
  },
};

const groups: Scenario = {
  name: "DescribeGroups, ListGroups, DeleteGroups",
  run: async (asker) => {
    await untilGroupsWork(asker);
    await stable(asker, "stable");
    await joined(asker, "joined");
    const { memberId } = await stable(asker, "emptied");
    await asker.quietly(13, 0, { groupId: "emptied", memberId, members: [] });
    await stable(asker, "connect", { protocolType: "connect" });
    const describe = (
      question: string,
      groups: readonly string[],
      first = 0,
      includeAuthorizedOperations = false,
    ) =>
      asker.askAll(
        question,
        15,
        () => ({ groups, includeAuthorizedOperations }),
        first,
      );
    for (const group of [
      "stable",
      "joined",
      "emptied",
      "connect",
      "no-such",
      "",
    ]) {
      await describe(`group '${group}'`, [group]);
    }
    await describe("two", ["stable", "no-such"]);
    await describe("one twice", ["stable", "stable"]);
    await describe("nothing", []);
    await describe("what one may do", ["stable", "no-such"], 3, true);
    const list = (
      question: string,
      statesFilter: readonly string[],
      first = 0,
    ) => asker.askAll(question, 16, () => ({ statesFilter }), first);
    await list("all", []);
    await list("the stable ones", ["Stable"], 4);
    await list("in small letters", ["empty", "stable"], 4);
    await list("in a state that is not", ["Confused"], 4);
    await deletions(asker);
  },
};

async function deletions(asker: Asker): Promise<void> {
  for (const version of versionsOf(42)) {
    const name = `deleted-${version}`;
    const { memberId } = await stable(asker, name);
    const ask = (question: string, groupsNames: readonly string[]) =>
      asker.ask(question, 42, version, { groupsNames });
    await ask("one with members", [name]);
    await asker.quietly(13, 0, { groupId: name, memberId, members: [] });
    await ask("several", [name, "no-such", "stable", ""]);
    await ask("one that is gone", [name]);
    await ask("one twice", ["no-such", "no-such"]);
    await ask("nothing", []);
  }
}

/** The last of all, as Kafka's coordinator is busy with it for a while. */
export const oddMetadata: Scenario = {
  name: "metadata that cannot be read",
  run: async (asker) => {
    await untilGroupsWork(asker);
    const odd = { name: "range", metadata: Buffer.from("anything at all") };
    await asker.ask("metadata that is no subscription", 11, 3, {
      ...joinBody("j-odd"),
      protocols: [odd],
    });
  },
};

export const groupScenarios: readonly Scenario[] = [
  joinGroup,
  membership,
  staticMembers,
  groups,
];
