/** Groups on the real runtime: what is answered when, and what a failure leaves. */
import { expect, test } from "vitest";
import { GroupCoordinator } from "../../../broker/group/group-coordinator.ts";
import { groupRecordCodec } from "../../../broker/group/group-record-codec.ts";
import type { GroupRecord } from "../../../broker/group/group-record.ts";
import { standardGroupSettings } from "../../../broker/group/group-settings.ts";
import { MachineRuntime } from "../../../broker/machine/machine-runtime.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { FakeLog, FakeSnapshots } from "../machine/fake-log.ts";
import { outcomeOf, settle } from "../machine/support.ts";
import { subscription } from "./group-language.ts";

const joinRequest = {
  groupId: "g",
  memberId: null,
  instanceId: null,
  clientId: "a",
  clientHost: "/127.0.0.1",
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 60_000,
  protocolType: "consumer",
  protocols: [{ name: "range", metadata: subscription(["t"]) }],
  requiresMemberId: false,
  canSkipAssignment: false,
};

async function started(log: FakeLog) {
  const clock = new ManualClock();
  const coordinator = new GroupCoordinator({
    settings: standardGroupSettings,
    clock,
    random: new SeededRandom(1),
  });
  const runtime = new MachineRuntime<GroupRecord>(
    {
      machine: coordinator,
      codec: groupRecordCodec,
      log,
      snapshots: new FakeSnapshots(),
      clock,
    },
    {
      snapshotIntervalSizeBytes: 1e9,
      reloadDelayMs: 1_000,
      stateChanged: () => {},
      warn: () => {},
      crashed: (error) => {
        throw error;
      },
    },
  );
  await runtime.start();
  return { clock, coordinator, runtime };
}

async function joined({
  coordinator,
  runtime,
}: Awaited<ReturnType<typeof started>>) {
  const result = await runtime.run(coordinator.joinGroup(joinRequest));
  if (result.error !== null || result.answer.error !== null) {
    throw new Error(`not joined: ${JSON.stringify(result)}`);
  }
  const { memberId, generation } = result.answer;
  return {
    groupId: "g",
    memberId,
    instanceId: null,
    generation,
    protocolType: null,
    protocol: null,
    assignments: [{ memberId, assignment: Uint8Array.of(7) }],
  };
}

test("a join has its answer at once, an assignment when it is durable", async () => {
  const log = new FakeLog(false);
  const rig = await started(log);
  const member = await joined(rig);
  const synced = outcomeOf(rig.runtime.run(rig.coordinator.syncGroup(member)));
  const again = outcomeOf(rig.runtime.run(rig.coordinator.syncGroup(member)));
  await settle();
  expect([synced.value, again.value]).toEqual([null, null]);
  await log.sync();
  await settle();
  const answer = {
    error: null,
    protocolType: "consumer",
    protocol: "range",
    assignment: Uint8Array.of(7),
  };
  expect(synced.value).toEqual({ error: null, answer });
  expect(again.value).toEqual({ error: null, answer });
});

test("after a failed append the group is what the log says, and its member goes on", async () => {
  const log = new FakeLog();
  const rig = await started(log);
  const { coordinator, runtime } = rig;
  const member = await joined(rig);
  await runtime.run(coordinator.syncGroup(member));

  const waiting = outcomeOf(
    runtime.run(coordinator.joinGroup({ ...joinRequest, clientId: "b" })),
  );
  const partition = { partition: 0, offset: 1, leaderEpoch: null };
  const commit = coordinator.commitOffsets({
    ...member,
    retentionMs: null,
    topics: [{ topic: "t", partitions: [{ ...partition, metadata: null }] }],
  });
  log.refusal = "no space";
  expect(await runtime.run(commit)).toMatchObject({
    error: "coordinator-not-available",
  });
  await settle();
  expect(waiting.value).toMatchObject({ error: "coordinator-not-available" });

  log.refusal = null;
  expect(await runtime.run(coordinator.heartbeat(member))).toEqual({
    error: null,
    answer: { error: null },
  });
  expect(await runtime.run(commit)).toMatchObject({
    answer: { topics: [{ partitions: [{ error: null }] }] },
  });
});

test("a silent member's group is empty on the log, also after a restart", async () => {
  const log = new FakeLog();
  const rig = await started(log);
  await rig.runtime.run(rig.coordinator.syncGroup(await joined(rig)));
  const restarted = await started(log);
  await restarted.clock.advanceAndSettle(10_000);
  const result = await restarted.runtime.run(
    restarted.coordinator.describeGroups(["g"]),
  );
  expect(result).toMatchObject({ answer: [{ state: "Empty", members: [] }] });
});
