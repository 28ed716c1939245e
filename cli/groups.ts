/** `millrace groups`: list, describe with lag, reset. */
import type {
  Admin,
  GroupDescription,
  TopicPartition,
} from "../client/index.ts";
import type { BrokerAddress } from "./broker-address.ts";
import { withClient } from "./connection.ts";
import { CliFailure } from "./failure.ts";
import { note, openOutput } from "./output.ts";
import { type Place, resolvePlace } from "./place.ts";
import { formatTable, writeJsonLines, writeRows } from "./table.ts";

interface BrokerOption {
  readonly broker: BrokerAddress;
  readonly json?: boolean;
}

export async function listGroups(options: BrokerOption): Promise<void> {
  const output = openOutput();
  const groups = await withClient(options.broker, ({ admin }) =>
    admin.listGroups(),
  );
  const rows = groups
    .map(({ group, state, protocolType }) => ({ group, state, protocolType }))
    .sort((a, b) => (a.group < b.group ? -1 : 1));
  await writeRows(output, rows, {
    json: options.json,
    none: "there are no groups",
  });
}

export async function describeGroup(
  name: string,
  options: BrokerOption,
): Promise<void> {
  const output = openOutput();
  const group = await withClient(options.broker, ({ admin }) =>
    admin.describeGroup(name),
  );
  const lag = group.offsets.reduce((sum, one) => sum + one.lag, 0);
  if (options.json) return writeJsonLines(output, [{ ...group, lag }]);
  await output.write(
    `group     ${group.group}\nstate     ${group.state}\nassignor  ${group.assignor ?? "-"}\nmembers   ${group.members.length}\nlag       ${lag}\n\n`,
  );
  await output.write(formatTable(offsetRows(group)));
}

/** What is committed, and what is assigned without having been committed yet. */
function offsetRows(group: GroupDescription) {
  const owners = new Map<string, string>();
  for (const { memberId, assignment } of group.members) {
    for (const at of assignment) owners.set(keyOf(at), memberId);
  }
  const rows = group.offsets.map((one) => {
    const owner = owners.get(keyOf(one)) ?? null;
    owners.delete(keyOf(one));
    const { topic, partition, offset, endOffset, lag } = one;
    return rowOf({ topic, partition }, { offset, endOffset, lag }, owner);
  });
  for (const { assignment } of group.members) {
    for (const at of assignment) {
      const owner = owners.get(keyOf(at));
      if (owner !== undefined) rows.push(rowOf(at, null, owner));
    }
  }
  return rows.sort((a, b) =>
    a.topic === b.topic
      ? a.partition - b.partition
      : a.topic < b.topic
        ? -1
        : 1,
  );
}

function rowOf(
  { topic, partition }: TopicPartition,
  committed: {
    readonly offset: number;
    readonly endOffset: number;
    readonly lag: number;
  } | null,
  member: string | null,
) {
  return {
    topic,
    partition,
    offset: committed?.offset ?? null,
    endOffset: committed?.endOffset ?? null,
    lag: committed?.lag ?? null,
    member,
  };
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

export interface ResetOptions extends BrokerOption {
  readonly to: Place;
  /** Default: all that the group has committed for. */
  readonly topic?: readonly string[];
  readonly partition?: readonly number[];
  /** Without it only what would be done is shown. */
  readonly yes?: boolean;
}

export async function resetGroup(
  name: string,
  options: ResetOptions,
): Promise<void> {
  const output = openOutput();
  await withClient(options.broker, async ({ admin }) => {
    const group = await describeIfThere(admin, name);
    const partitions = await partitionsToReset(admin, group, options);
    const offsets = await resolvePlace(admin, partitions, options.to);
    const before = new Map(
      group.map((one) => [keyOf(one), one.offset] as const),
    );
    const changes = partitions.map((at, index) => ({
      topic: at.topic,
      partition: at.partition,
      from: before.get(keyOf(at)) ?? null,
      to: offsets[index] ?? 0,
    }));
    if (options.yes) {
      await admin.resetGroup(
        name,
        changes.map(({ topic, partition, to }) => ({
          topic,
          partition,
          offset: to,
        })),
      );
    }
    await writeRows(output, changes, { json: options.json, none: "nothing" });
    note(
      options.yes
        ? `group ${name} will go on at these offsets`
        : "nothing was changed: add --yes to do it",
    );
  });
}

/** What the group has committed; nothing for a group that does not exist yet. */
async function describeIfThere(admin: Admin, name: string) {
  try {
    const group = await admin.describeGroup(name);
    return group.offsets;
  } catch (error) {
    const isUnknown =
      error instanceof Error &&
      "answer" in error &&
      error.answer === "group-id-not-found";
    if (!isUnknown) throw error;
    return [];
  }
}

async function partitionsToReset(
  admin: Admin,
  committed: readonly TopicPartition[],
  options: ResetOptions,
): Promise<readonly TopicPartition[]> {
  let all: readonly TopicPartition[] = committed;
  if (options.topic !== undefined) {
    const topics = await Promise.all(
      options.topic.map((name) => admin.describeTopic(name)),
    );
    all = topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partition }) => ({ topic: name, partition })),
    );
  }
  const wanted = options.partition;
  const chosen = all.filter(
    ({ partition }) => wanted === undefined || wanted.includes(partition),
  );
  if (chosen.length > 0) return chosen;
  throw new CliFailure(
    "there is no partition to reset",
    "name topics with --topic",
  );
}
