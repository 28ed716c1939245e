import { expect, test } from "vitest";
import { groupHarness, groupTable } from "./group-language.ts";

const DAY_MS = 24 * 3_600_000;

test("a member of the present generation commits, and everybody fetches", () => {
  groupTable(`
    at  command                       answer                                 releases                    records
    0   join a                        parked                                 a: leader gen=1 range of a
    0   commit a t-0=1                rebalance-in-progress
    0   sync a a:0                    parked                                 a: gets 0                   group(gen=1 a:0)
    0   commit a t-0=1@3/hello t-1=2  ok, ok                                                             offset(t-0=1) offset(t-1=2)
    0   fetch t-1 t-0 t-9 u-0         t-1=2 t-0=1@3/hello t-9=none u-0=none
    0   fetch all                     t-0=1@3/hello t-1=2
    0   fetch all group=h
    0   fetch t-0 group=h             t-0=none
    0   commit a t-0=5                ok                                                                 offset(t-0=5)
    0   fetch t-0                     t-0=5
    0   reload
    0   fetch all                     t-0=5 t-1=2
  `);
});

test("commits of others than present members are refused while there are members", () => {
  groupTable(`
    at  command               answer              releases                    records
    0   commit a t-0=1        illegal-generation
    0   commit - gen=0 t-0=1  illegal-generation
    0   list
    0   join a                parked              a: leader gen=1 range of a
    0   sync a a:0            parked              a: gets 0                   group(gen=1 a:0)
    0   commit - t-0=1        unknown-member-id
    0   commit b t-0=1        unknown-member-id
    0   commit a gen=0 t-0=1  illegal-generation
    0   commit a gen=2 t-0=1  illegal-generation
    0   join b                parked
    0   commit a t-0=2        ok                                              offset(t-0=2)
    0   leave a               ok                  b: leader gen=2 range of b
    0   commit a t-0=3        unknown-member-id
    0   leave b               ok                                              group(gen=3 empty)
    0   commit b gen=3 t-0=3  unknown-member-id
    0   commit - t-0=3        ok                                              offset(t-0=3)
  `);
});

test("whoever assigns itself commits to a group of its own, that has no members", () => {
  groupTable(`
    at  command             answer   releases  records
    0   commit - t-0=1      ok                 offset(t-0=1)
    0   describe            Empty
    0   list                g=Empty
    0   list Stable
    0   list empty          g=Empty
    0   reload
    0   list                g=Empty
    0   fetch all           t-0=1
    0   delete-offsets t-0  ok                 offset(t-0 deleted)
    0   describe            Dead
    0   list
  `);
});

test("metadata that is too long, and offsets too large to be told apart, are refused one by one", () => {
  groupTable(
    `
    at  command                                               answer                                              releases  records
    0   commit - t-0=1/12345 t-1=2/1234 t-2=9007199254740992  offset-metadata-too-large, ok, offset-out-of-range            offset(t-1=2)
    0   fetch all                                             t-1=2/1234
  `,
    { offsetMetadataSizeBytesMax: 4 },
  );
});

test("text that cannot be stored as it was read is refused, not thrown over", () => {
  const harness = groupHarness({ offsetMetadataSizeBytesMax: 1_000_000 });
  const unreadable = "\ufffd".repeat(20_000);
  const commit = (groupId: string, metadata: string) =>
    harness.ask(
      harness.machine.commitOffsets({
        groupId,
        memberId: null,
        instanceId: null,
        generation: null,
        retentionMs: Number.MAX_VALUE,
        topics: [
          {
            topic: "t",
            partitions: [
              { partition: 0, offset: 1, leaderEpoch: null, metadata },
            ],
          },
        ],
      }),
    );
  expect(commit(unreadable, "")).toEqual({ error: "invalid-group-id" });
  expect(commit("g", unreadable)).toEqual({
    error: null,
    topics: [
      {
        topic: "t",
        partitions: [{ partition: 0, error: "offset-metadata-too-large" }],
      },
    ],
  });
  expect(commit("g", "")).toMatchObject({
    topics: [{ partitions: [{ error: null }] }],
  });
});

test("offsets of a topic that a member consumes cannot be deleted", () => {
  groupTable(`
    at  command                      answer                             releases                    records
    0   delete-offsets t-0           group-id-not-found
    0   join a topics=t              parked                             a: leader gen=1 range of a
    0   sync a a:0                   parked                             a: gets 0                   group(gen=1 a:0)
    0   commit a t-0=1 u-0=2         ok, ok                                                         offset(t-0=1) offset(u-0=2)
    0   delete-offsets t-0 u-0 u-1   group-subscribed-to-topic, ok, ok                              offset(u-0 deleted)
    0   leave a                      ok                                                             group(gen=2 empty)
    0   delete-offsets t-0           ok                                                             offset(t-0 deleted)
    0   join c type=connect group=h  parked                             c: leader gen=1 range of c
    0   delete-offsets t-0 group=h   non-empty-group
  `);
});

test("with its topic the offsets of all groups go", () => {
  groupTable(`
    at  command                         answer     releases  records
    0   commit - t-0=1 u-0=2 group=one  ok, ok               offset(t-0=1) offset(u-0=2)
    0   commit - t-1=3 group=two        ok                   offset(t-1=3)
    0   delete-topics t v               2                    offset(t-0 deleted) offset(t-1 deleted)
    0   list                            one=Empty
    0   fetch all group=one             u-0=2
  `);
});

test("an empty group is deleted with its offsets, one with members is not", () => {
  groupTable(`
    at  command              answer                 releases                               records
    0   delete-groups g      parked                 delete-groups: group-id-not-found
    0   join a               parked                 a: leader gen=1 range of a
    0   sync a a:0           parked                 a: gets 0                              group(gen=1 a:0)
    0   commit a t-0=1       ok                                                            offset(t-0=1)
    0   delete-groups g      parked                 delete-groups: non-empty-group
    0   join b               parked
    0   delete-groups g      parked                 delete-groups: non-empty-group
    0   leave a b            ok, unknown-member-id  b: leader gen=2 range of b
    0   delete-groups g      parked                 delete-groups: non-empty-group
    0   leave b              ok                                                            group(gen=3 empty)
    0   join c v4            member-id-required
    0   delete-groups g g h  parked                 delete-groups: ok, group-id-not-found  offset(t-0 deleted) group(deleted)
    0   join c v4            unknown-member-id
    0   describe             Dead
    0   reload
    0   list
  `);
});

test("offsets of a group without members expire when it has been empty for long enough", () => {
  groupTable(
    `
    at       command                 answer  releases                    records
    0        join a session=1800000  parked  a: leader gen=1 range of a
    0        sync a a:0              parked  a: gets 0                   group(gen=1 a:0)
    0        commit a t-0=1          ok                                  offset(t-0=1)
    1000000  leave a                 ok                                  group(gen=2 empty)
    1600000  fetch all               t-0=1
    2000000  commit - u-0=1          ok                                  offset(u-0=1)
    2400000  (t is old enough)                                           offset(t-0 deleted)
    3600000  (u is old enough)                                           offset(u-0 deleted) group(deleted)
    3600000  list
  `,
    { offsetsRetentionMs: 1_200_000, offsetsRetentionCheckIntervalMs: 600_000 },
  );
});

test("offsets of a topic that is consumed do not expire", () => {
  groupTable(
    `
    at       command                          answer  releases                    records
    0        join a session=1800000 topics=t  parked  a: leader gen=1 range of a
    0        sync a a:0                       parked  a: gets 0                   group(gen=1 a:0)
    0        commit a t-0=1 u-0=2             ok, ok                              offset(t-0=1) offset(u-0=2)
    1200000  (nobody consumes u)                                                  offset(u-0 deleted)
    1700000  heartbeat a                      ok
    3400000  heartbeat a                      ok
    3400000  fetch all                        t-0=1
  `,
    { offsetsRetentionMs: 1_000_000, offsetsRetentionCheckIntervalMs: 600_000 },
  );
});

test("a client may say how long its offsets are kept", () => {
  groupTable(
    `
    at      command                          answer   releases  records
    0       commit - t-0=1 retention=500000  ok                 offset(t-0=1)
    0       commit - t-1=1@7                 ok                 offset(t-1=1)
    600000  (the first is old enough)                           offset(t-0 deleted)
    600000  reload
    600000  fetch all                        t-1=1@7
  `,
    {
      offsetsRetentionMs: 7 * DAY_MS,
      offsetsRetentionCheckIntervalMs: 600_000,
    },
  );
});

test("what expires is written in portions", () => {
  groupTable(
    `
    at  command                         answer  releases  records
    0   commit - t-0=1 t-1=1 group=one  ok, ok            offset(t-0=1) offset(t-1=1)
    0   commit - t-2=1 group=two        ok                offset(t-2=1)
    5   (two portions)                                    offset(t-0 deleted) offset(t-1 deleted) offset(t-2 deleted)
    5   list
  `,
    {
      offsetsRetentionMs: 5,
      offsetsRetentionCheckIntervalMs: 5,
      decisionSizeBytesMax: 250,
    },
  );
});

test("a group of which nothing was ever stored is forgotten", () => {
  groupTable(`
    at      command    answer              releases  records
    0       join a v4  member-id-required
    0       list       g=Empty
    600000  list
  `);
});

test("a group with more offsets than fit in one decision is deleted in portions", () => {
  groupTable(
    `
    at  command               answer  releases           records
    0   commit - t-0=1 t-1=1  ok, ok                     offset(t-0=1) offset(t-1=1)
    0   commit - t-2=1        ok                         offset(t-2=1)
    0   delete-groups g       parked                     offset(t-0 deleted) offset(t-1 deleted)
    0   (the rest)                    delete-groups: ok  offset(t-2 deleted) group(deleted)
    0   list
  `,
    { decisionSizeBytesMax: 250 },
  );
});

test("what the log could not take at once is refused, and nothing of it is stored", () => {
  groupTable(
    `
    at  command                     answer             releases  records
    0   commit - t-0=1 t-1=1 t-2=1  message-too-large
    0   fetch all
    0   commit - t-0=1 t-0=2 t-0=3  ok, ok, ok                   offset(t-0=3)
  `,
    { decisionSizeBytesMax: 250 },
  );
});
