import fc from "fast-check";
import { expect, test } from "vitest";
import {
  assignPartitions,
  type AssignableMember,
  type AssignorName,
} from "../../../client/core/assignor.ts";

const names: readonly AssignorName[] = ["range", "roundrobin", "sticky"];

function member(
  memberId: string,
  topics: readonly string[],
  owned: AssignableMember["owned"] = [],
): AssignableMember {
  return { memberId, groupInstanceId: null, topics, owned };
}

function assign(
  name: AssignorName,
  members: readonly AssignableMember[],
  counts: Readonly<Record<string, number>>,
): Record<string, string> {
  const assignment = assignPartitions(
    name,
    members,
    new Map(Object.entries(counts)),
  );
  const lines = [...assignment].map(([memberId, partitions]) => [
    memberId,
    partitions.map(({ topic, partition }) => `${topic}${partition}`).join(" "),
  ]);
  return Object.fromEntries(lines);
}

test.each(names)(
  "%s: twelve partitions and ten members are eight of one and two of two",
  (name) => {
    const members = Array.from({ length: 10 }, (_, index) =>
      member(`m${index}`, ["t"]),
    );
    const counts = Object.values(assign(name, members, { t: 12 })).map(
      (partitions) => partitions.split(" ").length,
    );
    expect(counts.toSorted()).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 2, 2]);
  },
);

test.each([
  // Three topics of five over fifteen members: five work, ten are idle.
  ["range", 5],
  ["roundrobin", 15],
  ["sticky", 15],
] as const)("%s: three topics of five over fifteen members", (name, busy) => {
  const topics = ["a", "b", "c"];
  const members = Array.from({ length: 15 }, (_, index) =>
    member(`m${String(index).padStart(2, "0")}`, topics),
  );
  const assignment = assign(name, members, { a: 5, b: 5, c: 5 });
  expect(Object.values(assignment).filter((one) => one !== "")).toHaveLength(
    busy,
  );
});

test("range gives neighbours, and the first members one more", () => {
  const members = [member("b", ["t", "u"]), member("a", ["t", "u"])];
  expect(assign("range", members, { t: 3, u: 2 })).toEqual({
    a: "t0 t1 u0",
    b: "t2 u1",
  });
});

test("round-robin deals across topics and passes over who does not want one", () => {
  const members = [member("a", ["t"]), member("b", ["t", "u"])];
  expect(assign("roundrobin", members, { t: 2, u: 2 })).toEqual({
    a: "t0",
    b: "t1 u0 u1",
  });
});

test("sticky leaves what is owned where it is and moves what must move", () => {
  const owned = [0, 1, 2, 3].map((partition) => ({ topic: "t", partition }));
  const members = [member("a", ["t"], owned), member("b", ["t"])];
  expect(assign("sticky", members, { t: 4 })).toEqual({
    a: "t0 t1",
    b: "t2 t3",
  });
});

test("sticky gives a partition that two members claim to one of them", () => {
  const claim = [{ topic: "t", partition: 0 }];
  const members = [member("a", ["t"], claim), member("b", ["t"], claim)];
  const assignment = assign("sticky", members, { t: 1 });
  expect(Object.values(assignment).toSorted()).toEqual(["", "t0"]);
});

test("topics that do not exist are nobody's", () => {
  expect(assign("range", [member("a", ["gone"])], {})).toEqual({ a: "" });
});

test("every partition of a wanted topic has one owner who wants it, evenly where all want the same", () => {
  const subscriptions = fc.uniqueArray(fc.constantFrom<string>("t", "u", "v"), {
    minLength: 1,
  });
  fc.assert(
    fc.property(
      fc.constantFrom(...names),
      fc.array(subscriptions, { minLength: 1, maxLength: 6 }),
      fc.tuple(fc.nat(9), fc.nat(9), fc.nat(9)),
      fc.array(fc.tuple(fc.nat(5), fc.nat(8)), { maxLength: 20 }),
      (name, wanted, [t, u, v], owned) => {
        const members = wanted.map((topics, index) =>
          member(
            `m${index}`,
            topics,
            owned
              .filter(([owner]) => owner === index)
              .map(([, partition]) => ({ topic: "t", partition })),
          ),
        );
        const counts = new Map(Object.entries({ t, u, v }));
        const assignment = assignPartitions(name, members, counts);
        const seen: string[] = [];
        for (const { memberId, topics } of members) {
          for (const { topic, partition } of assignment.get(memberId) ?? []) {
            expect(topics).toContain(topic);
            seen.push(`${topic}${partition}`);
          }
        }
        const all = [...counts].flatMap(([topic, count]) =>
          wanted.some((topics) => topics.includes(topic))
            ? Array.from({ length: count }, (_, index) => `${topic}${index}`)
            : [],
        );
        expect(seen.toSorted()).toEqual(all.toSorted());
        const isEqual = wanted.every(
          (topics) => topics.toSorted().join() === wanted[0]?.toSorted().join(),
        );
        if (name === "range" || !isEqual) return;
        const sizes = [...assignment.values()].map((one) => one.length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      },
    ),
  );
});
