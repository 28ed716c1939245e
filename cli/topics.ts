/** `millrace topics`: list, create, describe, delete. */
import type { TopicDescription } from "../client/index.ts";
import type { BrokerAddress } from "./broker-address.ts";
import { withClient } from "./connection.ts";
import { CliFailure } from "./failure.ts";
import { note, openOutput } from "./output.ts";
import { formatTable, writeJsonLines, writeRows } from "./table.ts";

interface BrokerOption {
  readonly broker: BrokerAddress;
}

export async function listTopics(
  options: BrokerOption & {
    readonly internal?: boolean;
    readonly json?: boolean;
  },
): Promise<void> {
  const output = openOutput();
  const topics = await withClient(options.broker, ({ admin }) =>
    admin.listTopics({ includeInternal: options.internal === true }),
  );
  const rows = topics
    .map(({ name, partitionCount, isInternal }) => ({
      name,
      partitions: partitionCount,
      ...(options.internal === true ? { internal: isInternal } : {}),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  await writeRows(output, rows, {
    json: options.json,
    none: "there are no topics",
  });
}

export async function createTopics(
  names: readonly string[],
  options: BrokerOption & {
    readonly partitions?: number;
    readonly config?: Readonly<Record<string, string>>;
    readonly ifNotExists?: boolean;
  },
): Promise<void> {
  await withClient(options.broker, async ({ admin }) => {
    for (const name of names) {
      const isNew = await admin.createTopic({
        name,
        ...(options.partitions === undefined
          ? {}
          : { partitionCount: options.partitions }),
        ...(options.config === undefined ? {} : { configs: options.config }),
      });
      if (isNew) note(`created ${name}`);
      else if (options.ifNotExists) note(`${name} exists already`);
      else {
        throw new CliFailure(
          `topic ${name} exists already`,
          "choose another name, or add --if-not-exists",
        );
      }
    }
  });
}

export async function describeTopic(
  name: string,
  options: BrokerOption & { readonly json?: boolean },
): Promise<void> {
  const output = openOutput();
  const topic = await withClient(options.broker, ({ admin }) =>
    admin.describeTopic(name),
  );
  if (options.json) return writeJsonLines(output, [topic]);
  const configs = Object.entries(topic.configs);
  const isDense = !(topic.configs["cleanup.policy"] ?? "").includes("compact");
  const settings = configs.map(([key, value]) => `${key}=${value}`).join(" ");
  await output.write(
    `topic     ${topic.name}\nid        ${topic.topicId ?? "-"}\nconfigs   ${settings === "" ? "all default" : settings}\n\n`,
  );
  await output.write(
    formatTable(
      topic.partitions.map((one) => ({
        partition: one.partition,
        leader: one.leader,
        leaderEpoch: one.leaderEpoch,
        ...offsetsOf(one, isDense),
      })),
    ),
  );
  for (const { partition, offline } of topic.partitions) {
    if (offline === null) continue;
    await output.write(`\npartition ${partition} is offline: ${offline}\n`);
  }
}

/**
 * A partition that is offline has none to show. How many records compaction has
 * left is not known by offsets.
 */
function offsetsOf(
  { offline, startOffset, endOffset }: TopicDescription["partitions"][number],
  isDense: boolean,
) {
  return offline === null
    ? {
        startOffset,
        endOffset,
        records: isDense ? endOffset - startOffset : null,
      }
    : { startOffset: null, endOffset: null, records: null };
}

export async function deleteTopics(
  names: readonly string[],
  options: BrokerOption,
): Promise<void> {
  await withClient(options.broker, async ({ admin }) => {
    for (const name of names) {
      await admin.deleteTopic(name);
      note(`deleted ${name}`);
    }
  });
}
