/** Every command in every state: one line a command, one column a state. */
import { expect, test } from "vitest";
import {
  canRebalance,
  stateRules,
  type ClassicState,
} from "../../../broker/group/classic-states.ts";
import { groupHarness, GroupLanguage } from "./group-language.ts";

/** What brings a group into a state. In all but Dead, a is or was a member, in generation 1. */
const preludes = {
  Dead: [],
  Empty: ["join a", "sync a a:0", "leave a"],
  PreparingRebalance: ["join a", "sync a a:0", "join b"],
  CompletingRebalance: ["join a"],
  Stable: ["join a", "sync a a:0"],
} as const satisfies Record<ClassicState, readonly string[]>;

const answers = `
command              | Dead                    | Empty                   | PreparingRebalance                 | CompletingRebalance             | Stable
join c               | parked                  | parked                  | parked                             | parked                          | parked
join c v4            | member-id-required      | member-id-required      | member-id-required                 | member-id-required              | member-id-required
join c id=x          | unknown-member-id       | unknown-member-id       | unknown-member-id                  | unknown-member-id               | unknown-member-id
join c type=other    | parked                  | parked                  | inconsistent-group-protocol        | inconsistent-group-protocol     | inconsistent-group-protocol
join c protocols=rr  | parked                  | parked                  | inconsistent-group-protocol        | inconsistent-group-protocol     | inconsistent-group-protocol
join c session=1     | invalid-session-timeout | invalid-session-timeout | invalid-session-timeout            | invalid-session-timeout         | invalid-session-timeout
join a               | parked                  | unknown-member-id       | parked                             | leader gen=1 range of a         | parked
join a topics=u      | parked                  | unknown-member-id       | parked                             | parked                          | parked
sync a               | unknown-member-id       | unknown-member-id       | rebalance-in-progress              | parked                          | gets 0
sync a gen=9         | unknown-member-id       | unknown-member-id       | illegal-generation                 | illegal-generation              | illegal-generation
sync x               | unknown-member-id       | unknown-member-id       | unknown-member-id                  | unknown-member-id               | unknown-member-id
heartbeat a          | unknown-member-id       | unknown-member-id       | rebalance-in-progress              | ok                              | ok
heartbeat a gen=9    | unknown-member-id       | unknown-member-id       | illegal-generation                 | illegal-generation              | illegal-generation
heartbeat x          | unknown-member-id       | unknown-member-id       | unknown-member-id                  | unknown-member-id               | unknown-member-id
leave a              | unknown-member-id       | unknown-member-id       | ok                                 | ok                              | ok
leave x              | unknown-member-id       | unknown-member-id       | unknown-member-id                  | unknown-member-id               | unknown-member-id
commit a t-0=1       | illegal-generation      | unknown-member-id       | ok                                 | rebalance-in-progress           | ok
commit a gen=9 t-0=1 | illegal-generation      | unknown-member-id       | illegal-generation                 | illegal-generation              | illegal-generation
commit x t-0=1       | illegal-generation      | unknown-member-id       | unknown-member-id                  | unknown-member-id               | unknown-member-id
commit - t-0=1       | ok                      | ok                      | unknown-member-id                  | unknown-member-id               | unknown-member-id
fetch t-0            | t-0=none                | t-0=none                | t-0=none                           | t-0=none                        | t-0=none
delete-offsets t-0   | group-id-not-found      | ok                      | group-subscribed-to-topic          | group-subscribed-to-topic       | group-subscribed-to-topic
delete-offsets u-0   | group-id-not-found      | ok                      | ok                                 | ok                              | ok
delete-groups g | parked | parked | parked | parked | parked
describe             | Dead                    | Empty consumer          | PreparingRebalance consumer a:0 b: | CompletingRebalance consumer a: | Stable consumer range a:0
list                 |                         | g=Empty                 | g=PreparingRebalance               | g=CompletingRebalance           | g=Stable
`;

const [[, ...states] = [], ...rows] = answers
  .trim()
  .split("\n")
  .map((line) => line.split("|").map((cell) => cell.trim()));

const cases = rows.flatMap(([command = "", ...cells]) =>
  cells.map((answer, index) => ({
    command,
    answer,
    state: (states[index] ?? "") as ClassicState,
  })),
);

test.each(cases)(
  "$command in $state: $answer",
  ({ command, answer, state }) => {
    const language = new GroupLanguage(groupHarness());
    for (const line of preludes[state]) language.speak(line.split(" "));
    const effects = language.speak(command.split(" "));
    expect(effects.answer).toBe(answer);
  },
);

test("only Dead is final, and a rebalance begins where there are or will be members", () => {
  const all = Object.keys(stateRules) as ClassicState[];
  expect(all.filter((state) => stateRules[state].next.length === 0)).toEqual([
    "Dead",
  ]);
  expect(all.filter(canRebalance)).toEqual([
    "Empty",
    "CompletingRebalance",
    "Stable",
  ]);
});
