import { test } from "vitest";
import { groupTable } from "./group-language.ts";

test("the first member leads a generation of its own at once", () => {
  groupTable(`
    at command         answer                           releases                   records
    0  join a          parked                           a: leader gen=1 range of a
    0  sync a a:0,1,2  parked                           a: gets 0,1,2              group(gen=1 a:0,1,2)
    0  heartbeat a     ok
    0  describe        Stable consumer range a:0,1,2
  `);
});

test("a second member makes all join again, and the leader assigns to both", () => {
  groupTable(`
    at  command         answer                                releases                                             records
    0   join a          parked                                a: leader gen=1 range of a
    0   sync a a:0,1    parked                                a: gets 0,1                                          group(gen=1 a:0,1)
    5   join b          parked
    5   describe        PreparingRebalance consumer a:0,1 b:
    9   heartbeat a     rebalance-in-progress
    9   join a          parked                                a: leader gen=2 range of a,b; b: member gen=2 range
    9   sync b          parked
    9   sync a a:0 b:1  parked                                a: gets 0; b: gets 1                                 group(gen=2 a:0 b:1)
    9   heartbeat a     ok
    9   heartbeat b     ok
  `);
});

test("a client that must have an id gets one, and joins with it", () => {
  groupTable(`
    at command         answer                           releases                   records
    0  join a v4       member-id-required
    0  list            g=Empty
    0  heartbeat a     unknown-member-id
    0  join a v4       parked                           a: leader gen=1 range of a
    0  sync a a:0      parked                           a: gets 0                  group(gen=1 a:0)
  `);
});

test("an id that is not joined with within a session is taken back", () => {
  groupTable(`
    at     command        answer                        releases                   records
    0      join a v4      member-id-required
    10000  join a v4      unknown-member-id
  `);
});

test("a rebalance waits for an id that was given out, and no longer than its session", () => {
  groupTable(`
    at     command          answer                      releases                   records
    0      join a           parked                      a: leader gen=1 range of a
    0      sync a a:0       parked                      a: gets 0                  group(gen=1 a:0)
    1      join b v4        member-id-required
    1      join a           parked
    10001  (b's id expires)                             a: leader gen=2 range of a
  `);
});

test("a pending member that leaves lets the rebalance go on", () => {
  groupTable(`
    at command         answer                           releases                   records
    0  join a          parked                           a: leader gen=1 range of a
    0  join b v4       member-id-required
    0  join a topics=u parked
    0  leave b         ok                               a: leader gen=2 range of a
    0  join b v4       unknown-member-id
  `);
});

test("ids, sessions and protocols that cannot be are refused", () => {
  groupTable(
    `
    at  command                 answer                       releases                    records
    0   join a group=           invalid-group-id
    0   join a session=5999     invalid-session-timeout
    0   join a session=1800001  invalid-session-timeout
    0   join a id=x             unknown-member-id
    0   join b type=            inconsistent-group-protocol
    0   join c protocols=       inconsistent-group-protocol
    0   list
    0   join d                  parked                       d: leader gen=1 range of d
    0   join e type=connect     inconsistent-group-protocol
    0   join e protocols=rr     inconsistent-group-protocol
    0   join e id=e-1           unknown-member-id
  `,
  );
});

test("the protocol that most members prefer among those that all share is chosen", () => {
  groupTable(`
    at command                         answer           releases                                                                         records
    0  join a protocols=range,rr       parked           a: leader gen=1 range of a
    0  join b protocols=rr,sticky      parked
    0  join a protocols=range,rr       parked           a: leader gen=2 rr of a,b; b: member gen=2 rr
    0  join c protocols=x,range,rr     parked
    0  join a protocols=rr,range       parked
    0  join b protocols=range,rr       parked           a: leader gen=3 range of a,b,c; b: member gen=3 range; c: member gen=3 range
  `);
});

test("a member that joins again unchanged hears the present generation", () => {
  groupTable(`
    at command           answer                            releases                                              records
    0  join a            parked                            a: leader gen=1 range of a
    0  join b            parked
    0  join a            parked                            a: leader gen=2 range of a,b; b: member gen=2 range
    0  join a            leader gen=2 range of a,b
    0  join b            member gen=2 range
    0  sync a a:0 b:1    parked                            a: gets 0                                             group(gen=2 a:0 b:1)
    0  join b            member gen=2 range
    0  sync b            gets 1
  `);
});

test("changed metadata, or the leader of a stable group, set off a rebalance", () => {
  groupTable(`
    at command           answer                  releases                                              records
    0  join a            parked                  a: leader gen=1 range of a
    0  join b            parked
    0  join a            parked                  a: leader gen=2 range of a,b; b: member gen=2 range
    0  sync b            parked
    0  join b topics=u   parked                  b: rebalance-in-progress
    0  join a            parked                  a: leader gen=3 range of a,b; b: member gen=3 range
    0  sync a a:0 b:1    parked                  a: gets 0                                             group(gen=3 a:0 b:1)
    0  sync b            gets 1
    0  join b topics=w   parked
    0  join a            parked                  a: leader gen=4 range of a,b; b: member gen=4 range
    0  sync a a:1 b:0    parked                  a: gets 1                                             group(gen=4 a:1 b:0)
    0  sync b            gets 0
    0  join a            parked
    0  heartbeat b       rebalance-in-progress
    0  join b topics=w   parked                  a: leader gen=5 range of a,b; b: member gen=5 range
  `);
});

test("a second request of a member that waits takes the first one's place", () => {
  groupTable(`
    at command           answer                  releases                                                      records
    0  join a            parked                  a: leader gen=1 range of a
    0  join b v4         member-id-required
    0  join a topics=u   parked
    0  join a topics=u   parked                  a: rebalance-in-progress
    0  join b            parked                  a: leader gen=2 range of a,b; b: member gen=2 range
    0  sync b            parked
    0  sync b            parked                  b: rebalance-in-progress
    0  sync a a:0 b:1    parked                  a: gets 0; b: gets 1                                          group(gen=2 a:0 b:1)
  `);
});

test("who does not join again in time is out, and another leads", () => {
  groupTable(
    `
    at    command                         answer                 releases                                             records
    0     join a rebalance=8000           parked                 a: leader gen=1 range of a
    0     join b rebalance=9000           parked
    0     join a rebalance=8000           parked                 a: leader gen=2 range of a,b; b: member gen=2 range
    0     sync a a:0 b:1                  parked                 a: gets 0                                            group(gen=2 a:0 b:1)
    0     sync b                          gets 1
    10    join b topics=u rebalance=9000  parked
    9000  heartbeat a                     rebalance-in-progress
    9010  (time is up)                                           b: leader gen=3 range of b
    9010  heartbeat a                     unknown-member-id
    9010  heartbeat b                     ok
  `,
  );
});

test("several members that join while others rebalance never hear that they are unknown", () => {
  groupTable(`
    at  command             answer                 releases                                                                                               records
    0   join a v4           member-id-required
    0   join b v4           member-id-required
    0   join a v4           parked                 a: leader gen=1 range of a
    0   join b v4           parked
    0   sync a a:0          rebalance-in-progress
    0   join c v4           member-id-required
    0   heartbeat a         rebalance-in-progress
    0   join a v4           parked
    0   join c v4           parked                 a: leader gen=2 range of a,b,c; b: member gen=2 range; c: member gen=2 range
    0   sync c              parked
    0   join d v4           member-id-required
    0   join d v4           parked                 c: rebalance-in-progress
    0   sync b              rebalance-in-progress
    0   sync a a:0 b:1 c:2  rebalance-in-progress
    0   join b v4           parked
    0   join c v4           parked
    0   join a v4           parked                 a: leader gen=3 range of a,b,c,d; b: member gen=3 range; c: member gen=3 range; d: member gen=3 range
  `);
});

test("the first rebalance of a group waits for more members, if it is told to", () => {
  groupTable(
    `
    at    command             answer                             releases                                                                      records
    0     join a              parked
    2000  join b              parked
    3000  describe            PreparingRebalance consumer a: b:
    4000  join c              parked
    9000  (nobody else came)                                     a: leader gen=1 range of a,b,c; b: member gen=1 range; c: member gen=1 range
  `,
    { groupInitialRebalanceDelayMs: 3_000 },
  );
});

test("a group takes no more members than it may, and no more that they send along", () => {
  groupTable(
    `
    at command         answer                  releases                                              records
    0  join a v4       member-id-required
    0  join b v4       member-id-required
    0  join c v4       group-max-size-reached
    0  join a          parked                  a: leader gen=1 range of a
    0  join b          parked
    0  join a          parked                  a: leader gen=2 range of a,b; b: member gen=2 range
    0  join c v4       group-max-size-reached
    0  join c          group-max-size-reached
    0  join b          member gen=2 range
  `,
    { groupSizeMax: 2 },
  );
  groupTable(
    `
    at command                     answer                  releases                   records
    0  join a protocols=p,q        group-max-size-reached
    0  list
    0  join a protocols=p          parked                  a: leader gen=1 p of a
  `,
    { groupMetadataSizeBytesMax: 150 },
  );
});

test("a coordinator takes no more groups than it may", () => {
  groupTable(
    `
    at command                answer                  releases                   records
    0  join a group=one       parked                  a: leader gen=1 range of a
    0  join b group=two       group-max-size-reached
    0  commit - t-0=1 group=3 group-max-size-reached
    0  list                   one=CompletingRebalance
  `,
    { groupCountMax: 1 },
  );
});

test("a coordinator takes no more members than it may, over all its groups", () => {
  groupTable(
    `
    at  command              answer                   releases                    records
    0   join a group=one     parked                   a: leader gen=1 range of a
    0   join b group=two v4  member-id-required
    0   join c group=two     group-max-size-reached
    0   join b group=two     parked                   b: leader gen=1 range of b
    0   join a group=one     leader gen=1 range of a
    0   leave a group=one    ok                                                   group(gen=2 empty)
    0   join c group=two     parked
    0   join d group=two     group-max-size-reached
    0   leave b c group=two  ok, unknown-member-id    c: leader gen=2 range of c
    0   reload
    0   join d group=three   parked                   d: leader gen=1 range of d
    0   join e group=three   parked
    0   join f group=three   group-max-size-reached
  `,
    { memberCountMax: 2 },
  );
});
