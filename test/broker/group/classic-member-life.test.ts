import { test } from "vitest";
import { groupTable } from "./group-language.ts";

test("a follower waits for the leader, and who asks later hears at once", () => {
  groupTable(`
    at  command         answer        releases                                             records
    0   join a          parked        a: leader gen=1 range of a
    0   join b          parked
    0   join a          parked        a: leader gen=2 range of a,b; b: member gen=2 range
    0   sync b          parked
    0   heartbeat b     ok
    0   sync a b:1 x:2  parked        a: gets nothing; b: gets 1                           group(gen=2 a: b:1)
    0   sync b          gets 1
    0   sync a          gets nothing
  `);
});

test("a sync that does not fit the generation is refused", () => {
  groupTable(`
    at  command                                  answer                       releases                    records
    0   sync a group=                            invalid-group-id
    0   sync a                                   unknown-member-id
    0   join a                                   parked                       a: leader gen=1 range of a
    0   sync b                                   unknown-member-id
    0   sync a gen=0                             illegal-generation
    0   sync a gen=2                             illegal-generation
    0   sync a type=connect                      inconsistent-group-protocol
    0   sync a protocol=rr                       inconsistent-group-protocol
    0   sync a type=consumer protocol=range a:0  parked                       a: gets 0                   group(gen=1 a:0)
    0   sync a gen=0                             illegal-generation
    0   join b                                   parked
    0   sync a                                   rebalance-in-progress
  `);
});

test("an assignment that is too large is not stored", () => {
  groupTable(
    `
    at     command                 answer                releases                    records
    0      join a rebalance=20000  parked                a: leader gen=1 range of a
    0      sync a a:*250            unknown-server-error
    9000   heartbeat a             ok
    18000  heartbeat a             ok
    20000  (a never asked)                                                           group(gen=2 empty)
  `,
    { decisionSizeBytesMax: 250 },
  );
});

test("who does not ask for an assignment in time is out", () => {
  groupTable(`
    at     command                answer             releases                                             records
    0      join a rebalance=7000  parked             a: leader gen=1 range of a
    0      join b rebalance=7000  parked
    0      join a rebalance=7000  parked             a: leader gen=2 range of a,b; b: member gen=2 range
    1      sync b                 parked
    7000   (a is out)                                b: rebalance-in-progress
    7000   heartbeat a            unknown-member-id
    7000   join b rebalance=7000  parked             b: leader gen=3 range of b
    7000   sync b b:0             parked             b: gets 0                                            group(gen=3 b:0)
    20000  (b is silent)                                                                                  group(gen=4 empty)
  `);
});

test("a heartbeat is answered by the state, and refused to strangers", () => {
  groupTable(`
    at  command             answer                 releases                    records
    0   heartbeat a group=  invalid-group-id
    0   heartbeat a         unknown-member-id
    0   join a              parked                 a: leader gen=1 range of a
    0   heartbeat a         ok
    0   sync a a:0          parked                 a: gets 0                   group(gen=1 a:0)
    0   heartbeat a         ok
    0   heartbeat a gen=0   illegal-generation
    0   heartbeat b         unknown-member-id
    0   join b              parked
    0   heartbeat a         rebalance-in-progress
    0   heartbeat a gen=0   illegal-generation
    0   leave a             ok                     b: leader gen=2 range of b
    0   leave b             ok                                                 group(gen=3 empty)
    0   heartbeat b         unknown-member-id
  `);
});

test("a member that falls silent is out after its session, each heartbeat begins it anew", () => {
  groupTable(`
    at     command         answer             releases                    records
    0      join a          parked             a: leader gen=1 range of a
    0      sync a a:0      parked             a: gets 0                   group(gen=1 a:0)
    9000   heartbeat a     ok
    18000  heartbeat a     ok
    18000  commit a t-0=5  ok                                             offset(t-0=5)
    27999  commit a t-0=6  ok                                             offset(t-0=6)
    37999  (a is out)                                                     group(gen=2 empty)
    37999  heartbeat a     unknown-member-id
    37999  describe        Empty consumer
  `);
});

test("a member that waits is not silent", () => {
  groupTable(`
    at     command          answer  releases                                             records
    0      join a           parked  a: leader gen=1 range of a
    0      join b           parked
    0      join a           parked  a: leader gen=2 range of a,b; b: member gen=2 range
    0      sync b           parked
    9000   heartbeat a      ok
    18000  sync a a:0 b:1   parked  a: gets 0; b: gets 1                                 group(gen=2 a:0 b:1)
    27999  heartbeat a      ok
    27999  heartbeat b      ok
    28000  join b topics=u  parked
    37999  (a is out)               b: leader gen=3 range of b
  `);
});

test("a new member whose client went away does not stay for ever", () => {
  groupTable(`
    at      command                                   answer  releases                    records
    0       join a session=1800000 rebalance=1800000  parked  a: leader gen=1 range of a
    0       sync a a:0                                parked  a: gets 0                   group(gen=1 a:0)
    0       join b session=1800000                    parked
    300000  (b's join is too old)                             b: unknown-member-id
    300000  join a session=1800000                    parked  a: leader gen=2 range of a
  `);
});

test("a member that leaves gives its partitions back", () => {
  groupTable(`
    at  command         answer                 releases                    records
    0   join a          parked                 a: leader gen=1 range of a
    0   sync a a:0,1,2  parked                 a: gets 0,1,2               group(gen=1 a:0,1,2)
    10  join b          parked
    20  heartbeat a     rebalance-in-progress
    20  leave a         ok                     b: leader gen=2 range of b
    20  heartbeat a     unknown-member-id
    20  sync b b:0,1,2  parked                 b: gets 0,1,2               group(gen=2 b:0,1,2)
  `);
});

test("members leave together, each with its own answer, and there is one rebalance", () => {
  groupTable(`
    at  command         answer                     releases                                                                      records
    0   leave a         unknown-member-id
    0   leave a group=  invalid-group-id
    0   join a          parked                     a: leader gen=1 range of a
    0   join b          parked
    0   join c          parked
    0   join a          parked                     a: leader gen=2 range of a,b,c; b: member gen=2 range; c: member gen=2 range
    0   sync b          parked
    0   leave a x b     ok, unknown-member-id, ok  b: unknown-member-id
    0   heartbeat c     rebalance-in-progress
    0   join c          parked                     c: leader gen=3 range of c
    0   leave c         ok                                                                                                       group(gen=4 empty)
    0   leave c         unknown-member-id
  `);
});

test("a member that leaves while it waits for others is told so", () => {
  groupTable(`
    at  command    answer              releases                    records
    0   join a v4  member-id-required
    0   join a     parked              a: leader gen=1 range of a
    0   join b v4  member-id-required
    0   join b     parked
    0   leave b    ok                  b: unknown-member-id
    0   join a     parked              a: leader gen=2 range of a
  `);
});

test("after a crash a settled group goes on, and silent members are out after a session", () => {
  groupTable(
    `
    at     command         answer                         releases                                             records
    0      join a          parked                         a: leader gen=1 range of a
    0      join b          parked
    0      join a          parked                         a: leader gen=2 range of a,b; b: member gen=2 range
    0      sync b          parked
    0      sync a a:0 b:1  parked                         a: gets 0; b: gets 1                                 group(gen=2 a:0 b:1)
    5      reload
    5      describe        Stable consumer range a:0 b:1
    5      heartbeat a     ok
    5      sync b          gets 1
    5      join b          member gen=2 range
    9000   heartbeat a     ok
    10004  heartbeat a     ok
    10005  (b is silent)
    10005  heartbeat a     rebalance-in-progress
    10005  heartbeat b     unknown-member-id
  `,
  );
});

test("after a crash a group that rebalanced is as before, and its members come again", () => {
  groupTable(`
    at  command            answer                     releases                    records
    0   join a             parked                     a: leader gen=1 range of a
    0   sync a a:0         parked                     a: gets 0                   group(gen=1 a:0)
    0   join b             parked
    0   reload
    0   describe           Stable consumer range a:0
    0   join a             parked                     a: leader gen=2 range of a
    0   reload
    0   heartbeat a        illegal-generation
    0   heartbeat a gen=1  ok
  `);
});

test("a static member comes back to its assignment without a rebalance", () => {
  groupTable(`
    at  command                      answer                 releases                                             records
    0   join a static                parked                 a: leader gen=1 range of a
    0   join b static                parked
    0   join a static                parked                 a: leader gen=2 range of a,b; b: member gen=2 range
    0   sync a a:0 b:1               parked                 a: gets 0                                            group(gen=2 a:0 b:1)
    0   sync b                       gets 1
    5   join b static id=none        parked                 b: member gen=2 range                                group(gen=2 a:0 b:1)
    5   sync b static                gets 1
    5   join a static id=none        parked                 a: member gen=2 range                                group(gen=2 b:1 a:0)
    5   join a static v9 id=none     parked                 a: leader gen=2 range of b,a skip-assignment         group(gen=2 b:1 a:0)
    5   reload
    5   heartbeat a static           ok
    5   heartbeat a static id=a-old  fenced-instance-id
    5   sync a static id=a-old       fenced-instance-id
    5   join a static id=a-old       fenced-instance-id
    5   heartbeat c static           unknown-member-id
    5   join c static id=c-old       unknown-member-id
    5   leave static:a static:c      ok, unknown-member-id
  `);
});

test("a static member that comes back during a rebalance fences its former self", () => {
  groupTable(`
    at  command                             answer                       releases                                             records
    0   join a static                       parked                       a: leader gen=1 range of a
    0   join b static                       parked
    0   join b static id=none               parked                       b: fenced-instance-id
    0   join a static                       parked                       a: leader gen=2 range of a,b; b: member gen=2 range
    0   sync b static                       parked
    0   join b static id=none               parked                       b: fenced-instance-id
    0   heartbeat a static                  rebalance-in-progress
    0   join a static                       parked                       a: leader gen=3 range of a,b; b: member gen=3 range
    0   sync a a:0 b:1                      parked                       a: gets 0                                            group(gen=3 a:0 b:1)
    0   join b static id=none protocols=rr  inconsistent-group-protocol
  `);
});

test("a static member that stays away keeps its place until its session ends", () => {
  groupTable(`
    at     command                       answer                               releases                      records
    0      join a static rebalance=7000  parked                               a: leader gen=1 range of a
    0      sync a a:0                    parked                               a: gets 0                     group(gen=1 a:0)
    4000   heartbeat a                   ok
    5000   join b rebalance=7000         parked
    12000  (b leads, a keeps its place)                                       b: leader gen=2 range of a,b
    12001  describe                      CompletingRebalance consumer a:0 b:
    12001  sync b b:0                    parked                               b: gets 0                     group(gen=2 a: b:0)
  `);
});
