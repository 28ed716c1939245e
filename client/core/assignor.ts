/**
 * Who gets which partitions: worked out by the group's leader, the same way in
 * every client, as any member may be a Java consumer or a kafkajs one.
 *
 * - `range`: each topic by itself, in runs of neighbours, the first members one
 *   more where it does not divide (Java's `RangeAssignor`). Partitions of equal
 *   number of several topics land together; more members than partitions of a
 *   topic leave the last ones idle.
 * - `roundrobin`: all partitions of all topics dealt out in turn.
 * - `sticky`: as even as round-robin, and whoever owned a partition keeps it
 *   while that is even. What members owned is in their subscriptions (KIP-429).
 *
 * Twelve partitions and ten members: two members get two, eight get one.
 */
import type { TopicPartition } from "../client.ts";
import { keyOf } from "./topic-partitions.ts";

export type AssignorName = "range" | "roundrobin" | "sticky";

export interface AssignableMember {
  readonly memberId: string;
  /** A static member keeps its place in the order when it comes back under another id. */
  readonly groupInstanceId: string | null;
  readonly topics: readonly string[];
  readonly owned: readonly TopicPartition[];
}

export type GroupAssignment = ReadonlyMap<string, readonly TopicPartition[]>;

/** Topics without a count do not exist: nobody gets anything of them. */
export function assignPartitions(
  name: AssignorName,
  members: readonly AssignableMember[],
  partitionCounts: ReadonlyMap<string, number>,
): GroupAssignment {
  const inOrder = [...members].sort(compareMembers);
  const assignment = new Map<string, TopicPartition[]>();
  for (const { memberId } of inOrder) assignment.set(memberId, []);
  const give = (memberId: string, partition: TopicPartition): void => {
    assignment.get(memberId)?.push(partition);
  };
  const topics = [...new Set(inOrder.flatMap((member) => member.topics))]
    .filter((topic) => partitionCounts.has(topic))
    .sort();
  const counted = topics.map((topic) => ({
    topic,
    count: partitionCounts.get(topic) ?? 0,
  }));
  if (name === "range") assignRange(inOrder, counted, give);
  else if (name === "roundrobin") assignRoundRobin(inOrder, counted, give);
  else assignSticky(inOrder, counted, give);
  return assignment;
}

type Give = (memberId: string, partition: TopicPartition) => void;
type Counted = readonly { readonly topic: string; readonly count: number }[];

function compareMembers(a: AssignableMember, b: AssignableMember): number {
  // Static members come first, by their own names, as in Java's `MemberInfo`.
  const [idA, idB] = [a.groupInstanceId, b.groupInstanceId];
  if (idA !== null && idB !== null) return compareText(idA, idB);
  if (idA !== null) return -1;
  if (idB !== null) return 1;
  return compareText(a.memberId, b.memberId);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function assignRange(
  members: readonly AssignableMember[],
  topics: Counted,
  give: Give,
): void {
  for (const { topic, count } of topics) {
    const takers = members.filter((member) => member.topics.includes(topic));
    const share = Math.floor(count / takers.length);
    const extra = count % takers.length;
    let next = 0;
    for (const [index, { memberId }] of takers.entries()) {
      const end = next + share + (index < extra ? 1 : 0);
      for (; next < end; next += 1) give(memberId, { topic, partition: next });
    }
  }
}

function assignRoundRobin(
  members: readonly AssignableMember[],
  topics: Counted,
  give: Give,
): void {
  let turn = 0;
  for (const { topic, partition } of partitionsOf(topics)) {
    for (let tries = 0; tries < members.length; tries += 1) {
      const member = members[turn % members.length];
      turn += 1;
      if (member === undefined || !member.topics.includes(topic)) continue;
      give(member.memberId, { topic, partition });
      break;
    }
  }
}

/**
 * Owners keep what they had up to a fair share; the rest goes to whoever has
 * least. With equal subscriptions nobody ends with two more than another.
 */
function assignSticky(
  members: readonly AssignableMember[],
  topics: Counted,
  give: Give,
): void {
  const partitions = [...partitionsOf(topics)];
  const counts = new Map(members.map(({ memberId }) => [memberId, 0]));
  const countOf = (memberId: string): number => counts.get(memberId) ?? 0;
  const owners = ownersOf(members);
  const share = Math.floor(partitions.length / members.length);
  let extra = partitions.length % members.length;
  const left: TopicPartition[] = [];
  const giveTo = (memberId: string, partition: TopicPartition): void => {
    counts.set(memberId, countOf(memberId) + 1);
    give(memberId, partition);
  };
  for (const partition of partitions) {
    const owner = owners.get(keyOf(partition));
    const has = owner === undefined ? Infinity : countOf(owner);
    const isExtra = has === share && extra > 0;
    if (owner === undefined || (has >= share && !isExtra)) {
      left.push(partition);
      continue;
    }
    if (isExtra) extra -= 1;
    giveTo(owner, partition);
  }
  for (const partition of left) {
    let least: string | null = null;
    for (const { memberId, topics: wanted } of members) {
      if (!wanted.includes(partition.topic)) continue;
      if (least === null || countOf(memberId) < countOf(least)) {
        least = memberId;
      }
    }
    if (least !== null) giveTo(least, partition);
  }
}

/** A partition that two members claim belongs to neither: one of them lags behind. */
function ownersOf(
  members: readonly AssignableMember[],
): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  const disputed = new Set<string>();
  for (const { memberId, topics, owned } of members) {
    for (const partition of owned) {
      const key = keyOf(partition);
      if (!topics.includes(partition.topic)) continue;
      if (owners.has(key)) disputed.add(key);
      owners.set(key, memberId);
    }
  }
  for (const key of disputed) owners.delete(key);
  return owners;
}

function* partitionsOf(topics: Counted): Iterable<TopicPartition> {
  for (const { topic, count } of topics) {
    for (let partition = 0; partition < count; partition += 1) {
      yield { topic, partition };
    }
  }
}
