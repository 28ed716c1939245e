/**
 * The words of the group tables.
 *
 *   join NAME [v4] [v9] [id=ID|none] [static] [type=T] [protocols=P,Q] [topics=T,U]
 *             [session=MS] [rebalance=MS] [client=C]
 *   sync NAME [gen=N] [type=T] [protocol=P] [NAME:PARTS ...]
 *     PARTS is what the member gets, as text; *N stands for N bytes
 *   heartbeat NAME [gen=N]         leave NAME ...
 *   commit NAME|- [gen=N] T-P=OFFSET[@EPOCH][/METADATA] ... [retention=MS]
 *   fetch all | T-P ...            delete-offsets T-P ...
 *   delete-topics T ...            delete-groups GROUP ...
 *   describe [GROUP]               list [STATE ...]
 *
 * All take `group=G`; without it the group is g. NAME is a client: its id is the
 * member id it heard last and its generation the last it joined, unless `id=`
 * and `gen=` say otherwise. In answers a member id is shown as its NAME.
 */
import { GroupCoordinator } from "../../../broker/group/group-coordinator.ts";
import { groupRecordCodec } from "../../../broker/group/group-record-codec.ts";
import type { GroupRecord } from "../../../broker/group/group-record.ts";
import {
  standardGroupSettings,
  type GroupSettings,
} from "../../../broker/group/group-settings.ts";
import type {
  JoinAnswer,
  SyncAnswer,
} from "../../../broker/group/group-answers.ts";
import { MachineHarness, type Effects } from "../../support/machine-harness.ts";
import { table } from "../../support/machine-table.ts";
import { SeededRandom } from "../../support/seeded-random.ts";

export type GroupHarness = MachineHarness<GroupRecord, GroupCoordinator>;

export function groupHarness(
  settings: Partial<GroupSettings> = {},
): GroupHarness {
  const random = new SeededRandom(1);
  return new MachineHarness(
    (clock) =>
      new GroupCoordinator({
        settings: { ...standardGroupSettings, ...settings },
        clock,
        random,
      }),
    groupRecordCodec,
  );
}

/** Runs a table on a fresh coordinator. */
export function groupTable(
  text: string,
  settings: Partial<GroupSettings> = {},
): void {
  const harness = groupHarness(settings);
  const language = new GroupLanguage(harness);
  table(harness, { speak: (words) => language.speak(words), showRecord }, text);
}

/** What consumers tell their leader, version 0. */
export function subscription(topics: readonly string[]): Uint8Array {
  const parts = [Buffer.from([0, 0, 0, 0, 0, topics.length])];
  for (const topic of topics) {
    parts.push(Buffer.from([0, topic.length]), Buffer.from(topic));
  }
  parts.push(Buffer.from([255, 255, 255, 255]));
  return new Uint8Array(Buffer.concat(parts));
}

interface Line {
  readonly group: string;
  readonly names: readonly string[];
  readonly options: ReadonlyMap<string, string>;
}

export class GroupLanguage {
  readonly #harness: GroupHarness;
  readonly #ids = new Map<string, string>();
  readonly #generations = new Map<string, number>();

  constructor(harness: GroupHarness) {
    this.#harness = harness;
  }

  speak([verb = "", ...words]: readonly string[]): Effects<GroupRecord> {
    const line = parseLine(words);
    const [name = "-"] = line.names;
    switch (verb) {
      case "join":
        return this.#join(name, line);
      case "sync":
        return this.#sync(name, line);
      case "heartbeat":
        return this.#heartbeat(name, line);
      case "leave":
        return this.#leave(line);
      case "commit":
        return this.#commit(name, line);
      default:
        return this.#administer(verb, line);
    }
  }

  #join(name: string, line: Line): Effects<GroupRecord> {
    const { group, names, options } = line;
    const topics = (options.get("topics") ?? "t").split(",");
    const protocols = (options.get("protocols") ?? "range").split(",");
    const id = this.#idOf(name, line);
    const { coordinator } = this;
    const command = coordinator.joinGroup({
      groupId: group,
      memberId: id === "none" || id === name ? null : id,
      instanceId: names.includes("static") ? name : null,
      clientId: options.get("client") ?? name,
      clientHost: "/127.0.0.1",
      sessionTimeoutMs: Number(options.get("session") ?? 10_000),
      rebalanceTimeoutMs: Number(options.get("rebalance") ?? 60_000),
      protocolType: options.get("type") ?? "consumer",
      protocols: protocols
        .filter((protocol) => protocol !== "")
        .map((protocol) => ({
          name: protocol,
          metadata: subscription(topics),
        })),
      requiresMemberId: names.includes("v4") || names.includes("v9"),
      canSkipAssignment: names.includes("v9"),
    });
    return this.#harness.run(command, {
      name,
      show: (answer) => this.#showJoin(name, answer),
    });
  }

  #showJoin(name: string, answer: JoinAnswer): string {
    if (answer.memberId !== null) this.#ids.set(name, answer.memberId);
    if (answer.error !== null) return answer.error;
    this.#generations.set(name, answer.generation);
    const isLeader = answer.leader === answer.memberId;
    const members = answer.members.map(({ memberId }) => nameOf(memberId));
    return [
      isLeader ? "leader" : "member",
      `gen=${answer.generation}`,
      answer.protocol,
      ...(members.length > 0 ? [`of ${members.join(",")}`] : []),
      ...(answer.skipAssignment ? ["skip-assignment"] : []),
    ].join(" ");
  }

  #sync(name: string, line: Line): Effects<GroupRecord> {
    const { group, names, options } = line;
    const command = this.coordinator.syncGroup({
      groupId: group,
      memberId: this.#idOf(name, line),
      instanceId: names.includes("static") ? name : null,
      generation: this.#generationOf(name, line),
      protocolType: options.get("type") ?? null,
      protocol: options.get("protocol") ?? null,
      assignments: names
        .filter((word) => word.includes(":"))
        .map((word) => {
          const [to = "", parts = ""] = word.split(":");
          return {
            memberId: this.#ids.get(to) ?? to,
            assignment: parts.startsWith("*")
              ? new Uint8Array(Number(parts.slice(1)))
              : new TextEncoder().encode(parts),
          };
        }),
    });
    return this.#harness.run(command, { name, show: showSync });
  }

  #heartbeat(name: string, line: Line): Effects<GroupRecord> {
    const command = this.coordinator.heartbeat({
      groupId: line.group,
      memberId: this.#idOf(name, line),
      instanceId: line.names.includes("static") ? name : null,
      generation: this.#generationOf(name, line),
    });
    return this.#harness.run(command, {
      name,
      show: ({ error }) => error ?? "ok",
    });
  }

  /** `leave a b`: by member id; `leave static:a`: by instance id. */
  #leave({ group, names }: Line): Effects<GroupRecord> {
    const command = this.coordinator.leaveGroup({
      groupId: group,
      members: names.map((name) =>
        name.startsWith("static:")
          ? { memberId: null, instanceId: name.slice(7) }
          : { memberId: this.#ids.get(name) ?? name, instanceId: null },
      ),
    });
    return this.#harness.run(command, {
      name: "leave",
      show: (answer) =>
        answer.error ??
        answer.members.map(({ error }) => error ?? "ok").join(", "),
    });
  }

  #commit(name: string, line: Line): Effects<GroupRecord> {
    const { group, names, options } = line;
    const isMember = name !== "-";
    const offsets = names.slice(1).map((word) => {
      const [place = "", rest = ""] = word.split("=");
      const [number = "", metadata = null] = rest.split("/");
      const [offset, epoch] = number.split("@");
      const { topic, partition } = parsePlace(place);
      const leaderEpoch = epoch === undefined ? null : Number(epoch);
      return {
        topic,
        partitions: [
          { partition, offset: Number(offset), leaderEpoch, metadata },
        ],
      };
    });
    const command = this.coordinator.commitOffsets({
      groupId: group,
      memberId: isMember ? this.#idOf(name, line) : null,
      instanceId: null,
      generation:
        isMember || options.has("gen") ? this.#generationOf(name, line) : null,
      retentionMs: options.has("retention")
        ? Number(options.get("retention"))
        : null,
      topics: offsets,
    });
    return this.#harness.run(command, { name, show: showPartitions });
  }

  #administer(verb: string, { group, names }: Line): Effects<GroupRecord> {
    const { coordinator } = this;
    const harness = this.#harness;
    const topics = names
      .filter((word) => word.includes("-"))
      .map((word) => {
        const { topic, partition } = parsePlace(word);
        return { topic, partitions: [partition] };
      });
    switch (verb) {
      case "fetch": {
        const asked = names.includes("all") ? null : topics;
        return harness.run(
          coordinator.fetchOffsets({ groupId: group, topics: asked }),
          {
            name: verb,
            show: (answer) =>
              answer.topics
                .flatMap(({ topic, partitions }) =>
                  partitions.map(
                    ({ partition, offset, leaderEpoch, metadata }) =>
                      `${topic}-${partition}=${offset ?? "none"}` +
                      (leaderEpoch === null ? "" : `@${leaderEpoch}`) +
                      (metadata === "" ? "" : `/${metadata}`),
                  ),
                )
                .join(" "),
          },
        );
      }
      case "delete-offsets":
        return harness.run(
          coordinator.deleteOffsets({ groupId: group, topics }),
          { name: verb, show: showPartitions },
        );
      case "delete-topics":
        return harness.run(coordinator.deleteTopicOffsets(names), {
          name: verb,
          show: String,
        });
      case "delete-groups":
        return harness.run(coordinator.deleteGroups(names), {
          name: verb,
          show: (answers) =>
            answers.map(({ error }) => error ?? "ok").join(", "),
        });
      case "describe":
        return harness.run(coordinator.describeGroups([names[0] ?? group]), {
          name: verb,
          show: ([description]) =>
            [
              description?.state,
              description?.protocolType,
              description?.protocol,
              ...(description?.members ?? []).map(
                ({ memberId, assignment }) =>
                  `${nameOf(memberId)}:${textOf(assignment)}`,
              ),
            ]
              .filter((word) => word !== "")
              .join(" "),
        });
      case "list":
        return harness.run(
          coordinator.listGroups({ states: names, types: [] }),
          {
            name: verb,
            show: (groups) =>
              groups
                .map(({ groupId, state }) => `${groupId}=${state}`)
                .join(" "),
          },
        );
      default:
        throw new Error(`no such verb: ${verb}`);
    }
  }

  get coordinator(): GroupCoordinator {
    return this.#harness.machine;
  }

  /** A client without an id calls itself by its name. */
  #idOf(name: string, { options }: Line): string {
    const called = options.get("id") ?? name;
    return this.#ids.get(called) ?? called;
  }

  #generationOf(name: string, { options }: Line): number {
    return Number(options.get("gen") ?? this.#generations.get(name) ?? 0);
  }
}

function parseLine(words: readonly string[]): Line {
  const isOption = (word: string) => /^[a-z]+=/.test(word);
  const options = new Map(
    words.filter(isOption).map((word): [string, string] => {
      const end = word.indexOf("=");
      return [word.slice(0, end), word.slice(end + 1)];
    }),
  );
  const names = words.filter((word) => !isOption(word));
  return { group: options.get("group") ?? "g", names, options };
}

function parsePlace(word: string): { topic: string; partition: number } {
  const [topic = "", partition] = word.split("-");
  return { topic, partition: Number(partition) };
}

/** Member ids begin with the client's or the instance's name. */
export function nameOf(memberId: string): string {
  return memberId.split("-")[0] ?? "";
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function showSync(answer: SyncAnswer): string {
  if (answer.error !== null) return answer.error;
  return `gets ${textOf(answer.assignment) || "nothing"}`;
}

function showPartitions(
  answer:
    | { readonly error: string }
    | {
        readonly error: null;
        readonly topics: readonly {
          readonly partitions: readonly { readonly error: string | null }[];
        }[];
      },
): string {
  if (answer.error !== null) return answer.error;
  return answer.topics
    .flatMap(({ partitions }) => partitions)
    .map(({ error }) => error ?? "ok")
    .join(", ");
}

export function showRecord(record: GroupRecord): string {
  if (record.kind === "offset") {
    const { topic, partition, value } = record;
    const place = `${topic}-${partition}`;
    if (value === null) return `offset(${place} deleted)`;
    return `offset(${place}=${value.offset})`;
  }
  const { value } = record;
  if (value === null) return "group(deleted)";
  if (value.members.length === 0) return `group(gen=${value.generation} empty)`;
  const members = value.members.map(
    ({ memberId, assignment }) => `${nameOf(memberId)}:${textOf(assignment)}`,
  );
  return `group(gen=${value.generation} ${members.join(" ")})`;
}
