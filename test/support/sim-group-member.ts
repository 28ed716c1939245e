/**
 * A member of a consumer group, as a Kafka client does it: joins, is assigned,
 * reads from what the group committed, heartbeats, commits, and joins again
 * when it is told to.
 *
 * It follows KIP-320: a position knows the leader epoch that it was read up to
 * in. When the partition's epoch has changed, or the position is out of range,
 * it asks how far its own epoch reaches, and goes back there if that is before
 * the position: records behind were lost, and others have their offsets now.
 */
import {
  decodeAssignment,
  encodeAssignment,
  encodeSubscription,
} from "../../broker/wire/kafka/consumer-protocol.ts";
import { SimKafkaClient, sleep } from "./sim-kafka-client.ts";
import type { SimClientContext } from "./sim-kafka-client.ts";
import { fetchOnce } from "./sim-reader.ts";
import type { FetchedPartition } from "./sim-reader.ts";

export interface SimGroupOptions {
  readonly group: string;
  readonly topic: string;
  readonly partitionCount: number;
}

interface Position {
  readonly partition: number;
  offset: number;
  /** Of the record before the position; -1: none was read. */
  epoch: number;
  /** The partition's own as far as we know. */
  currentEpoch: number;
  committedOffset: number;
}

interface Generation {
  readonly generation: number;
  readonly positions: readonly Position[];
}

const NO_ERROR = 0;
const OFFSET_OUT_OF_RANGE = 1;
const MEMBER_ID_REQUIRED = 79;
const UNKNOWN_MEMBER_ID = 25;
const FENCED_LEADER_EPOCH = 74;
const UNKNOWN_LEADER_EPOCH = 75;
const SESSION_MS = 3_000;
const REBALANCE_MS = 6_000;
const HEARTBEAT_MS = 300;
const movedErrors: readonly number[] = [
  OFFSET_OUT_OF_RANGE,
  FENCED_LEADER_EPOCH,
  UNKNOWN_LEADER_EPOCH,
];

export class SimGroupMember {
  /** For what the coordinator may answer late. */
  readonly #coordinator: SimKafkaClient;
  readonly #data: SimKafkaClient;
  readonly #options: SimGroupOptions;
  #memberId = "";
  #isStopping = false;
  #isIdle = false;
  #settled: readonly Position[] = [];

  constructor(context: SimClientContext, options: SimGroupOptions) {
    this.#coordinator = new SimKafkaClient(context);
    this.#data = new SimKafkaClient(context);
    this.#options = options;
  }

  /** Leaves the group, then ends. */
  stop(): void {
    this.#isStopping = true;
  }

  get isIdle(): boolean {
    return this.#isIdle;
  }

  /** By partition, what this member has committed up to in the generation it is in. */
  get committed(): ReadonlyMap<number, number> {
    return new Map(
      this.#settled.map((one) => [one.partition, one.committedOffset]),
    );
  }

  async run(): Promise<void> {
    while (!this.#isStopping) {
      this.#settled = [];
      const joined = await this.#join();
      if (joined !== null) await this.#consume(joined);
      else await this.#coordinator.pause();
    }
    await this.#coordinator.call(13, 4, {
      groupId: this.#options.group,
      memberId: "",
      members: [{ memberId: this.#memberId, groupInstanceId: null }],
    });
    this.#isIdle = true;
  }

  async #join(): Promise<Generation | null> {
    const { group, topic } = this.#options;
    const metadata = encodeSubscription({
      topics: [topic],
      ownedPartitions: [],
    });
    const answer = await this.#coordinator.call(
      11,
      7,
      {
        groupId: group,
        sessionTimeoutMs: SESSION_MS,
        rebalanceTimeoutMs: REBALANCE_MS,
        memberId: this.#memberId,
        protocolType: "consumer",
        protocols: [{ name: "range", metadata }],
      },
      2 * REBALANCE_MS,
    );
    if (answer === null) return null;
    if (answer.errorCode === MEMBER_ID_REQUIRED) {
      this.#memberId = answer.memberId;
    } else if (answer.errorCode === UNKNOWN_MEMBER_ID) this.#memberId = "";
    if (answer.errorCode !== NO_ERROR) return null;
    this.#memberId = answer.memberId;
    const isLeader = answer.leader === answer.memberId;
    const members = answer.members.map(({ memberId }) => memberId);
    return this.#sync(answer.generationId, isLeader ? members : []);
  }

  async #sync(
    generation: number,
    members: readonly string[],
  ): Promise<Generation | null> {
    const { group, topic } = this.#options;
    const answer = await this.#coordinator.call(
      14,
      5,
      {
        groupId: group,
        generationId: generation,
        memberId: this.#memberId,
        protocolType: "consumer",
        protocolName: "range",
        assignments: this.#assign(members),
      },
      2 * REBALANCE_MS,
    );
    if (answer?.errorCode === UNKNOWN_MEMBER_ID) this.#memberId = "";
    if (answer?.errorCode !== NO_ERROR) return null;
    const assignment = decodeAssignment(answer.assignment);
    const partitions = assignment?.assignedPartitions[0]?.partitions ?? [];
    this.#coordinator.context.observe({
      kind: "assigned",
      group,
      generation,
      member: this.#memberId,
      partitions: partitions.map((partition) => ({ topic, partition })),
    });
    const positions = await this.#findPositions(partitions);
    return positions === null ? null : { generation, positions };
  }

  /** Of the leader: every partition to one of the members. */
  #assign(members: readonly string[]) {
    const { topic, partitionCount } = this.#options;
    const sorted = [...members].sort();
    return sorted.map((memberId, index) => {
      const partitions: number[] = [];
      for (let at = index; at < partitionCount; at += sorted.length) {
        partitions.push(at);
      }
      const assignedPartitions = [{ topic, partitions }];
      return { memberId, assignment: encodeAssignment({ assignedPartitions }) };
    });
  }

  /** What the group has committed, held against the log. */
  async #findPositions(
    partitions: readonly number[],
  ): Promise<readonly Position[] | null> {
    const { group, topic } = this.#options;
    const { observe } = this.#data.context;
    const call = this.#data.context.nextCall();
    observe({ kind: "asking-committed", call });
    const answer = await this.#coordinator.call(9, 8, {
      groupId: "",
      topics: null,
      groups: [
        {
          groupId: group,
          topics: [{ name: topic, partitionIndexes: [...partitions] }],
        },
      ],
    });
    const found = answer?.groups[0];
    if (found?.errorCode !== NO_ERROR) return null;
    const positions: Position[] = [];
    for (const one of found.topics[0]?.partitions ?? []) {
      const { partitionIndex: partition, committedOffset } = one;
      if (one.errorCode !== NO_ERROR) return null;
      const offset = committedOffset < 0 ? null : committedOffset;
      const place = { topic, partition };
      observe({ kind: "found-committed", call, group, ...place, offset });
      const epoch = one.committedLeaderEpoch;
      const position: Position = {
        partition,
        offset: offset ?? 0,
        epoch,
        currentEpoch: -1,
        committedOffset: offset ?? 0,
      };
      if (!(await this.#validate(position))) return null;
      positions.push(position);
    }
    return positions;
  }

  /** Learns the partition's epoch, and goes back where the log was cut below the position. */
  async #validate(position: Position): Promise<boolean> {
    const { group, topic } = this.#options;
    const { partition, offset, epoch } = position;
    const { observe } = this.#data.context;
    const currentEpoch = await this.#leaderEpoch(partition);
    if (currentEpoch === null) return false;
    if (epoch >= 0 && offset > 0) {
      const answer = await this.#data.call(23, 4, {
        topics: [
          {
            topic,
            partitions: [
              {
                partition,
                currentLeaderEpoch: currentEpoch,
                leaderEpoch: epoch,
              },
            ],
          },
        ],
      });
      const found = answer?.topics[0]?.partitions[0];
      if (found?.errorCode !== NO_ERROR) return false;
      // Undefined: the broker knows no epoch so low; nothing of it is left.
      const endOffset = found.endOffset < 0 ? 0 : found.endOffset;
      const place = { topic, partition };
      observe({
        kind: "epoch-end",
        ...place,
        offset,
        leaderEpoch: epoch,
        endOffset,
      });
      if (endOffset < offset) {
        const call = this.#data.context.nextCall();
        observe({
          kind: "went-back",
          call,
          group,
          ...place,
          offset: endOffset,
        });
        position.offset = endOffset;
        position.epoch = found.leaderEpoch;
      }
    }
    position.currentEpoch = currentEpoch;
    return true;
  }

  async #leaderEpoch(partition: number): Promise<number | null> {
    const answer = await this.#data.call(3, 12, {
      topics: [
        { name: this.#options.topic, topicId: "AAAAAAAAAAAAAAAAAAAAAA" },
      ],
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    });
    const found = answer?.topics[0]?.partitions.find(
      ({ partitionIndex }) => partitionIndex === partition,
    );
    return found?.leaderEpoch ?? null;
  }

  /** Until the generation ends, whatever ends it. */
  async #consume(joined: Generation): Promise<void> {
    const { positions } = joined;
    const { clock, random } = this.#data.context;
    this.#settled = positions;
    let heartbeatAtMs = clock.monotonic();
    while (!this.#isStopping) {
      if (clock.monotonic() >= heartbeatAtMs) {
        if (!(await this.#heartbeat(joined))) return;
        heartbeatAtMs = clock.monotonic() + HEARTBEAT_MS;
      }
      if (positions.length === 0) await sleep(clock, HEARTBEAT_MS);
      else if (!(await this.#fetch(positions))) await this.#data.pause();
      const isCommitting = random.fraction() < 0.5;
      if (isCommitting && !(await this.#commit(joined))) return;
    }
    await this.#commit(joined);
  }

  async #heartbeat({ generation }: Generation): Promise<boolean> {
    const answer = await this.#coordinator.call(12, 4, {
      groupId: this.#options.group,
      generationId: generation,
      memberId: this.#memberId,
    });
    if (answer?.errorCode === UNKNOWN_MEMBER_ID) this.#memberId = "";
    return answer?.errorCode === NO_ERROR;
  }

  /** False: something failed, and is worth a pause. */
  async #fetch(positions: readonly Position[]): Promise<boolean> {
    const { group, topic } = this.#options;
    const { random, observe } = this.#data.context;
    const found = await fetchOnce(
      this.#data,
      topic,
      positions.map(({ partition, offset, currentEpoch }) => ({
        topic,
        partition,
        fetchOffset: offset,
        currentLeaderEpoch: currentEpoch,
      })),
      { waitMs: 100, sizeBytesMax: 1 + random.integer(4_000) },
    );
    if (found === null) return false;
    let isGood = true;
    for (const one of found) {
      const position = positions.find(
        ({ partition }) => partition === one.partition,
      );
      if (position === undefined) continue;
      if (one.errorCode !== NO_ERROR) {
        isGood = (await this.#moved(position, one)) && isGood;
        continue;
      }
      for (const { offset, leaderEpoch, id } of one.records) {
        observe({
          kind: "settled",
          group,
          topic,
          partition: one.partition,
          id,
        });
        position.offset = offset + 1;
        position.epoch = leaderEpoch;
      }
    }
    return isGood;
  }

  async #moved(position: Position, found: FetchedPartition): Promise<boolean> {
    if (!movedErrors.includes(found.errorCode)) return false;
    const isValid = await this.#validate(position);
    if (isValid && position.offset < found.startOffset) {
      position.offset = found.startOffset;
    }
    return isValid;
  }

  async #commit({ generation, positions }: Generation): Promise<boolean> {
    const { group, topic } = this.#options;
    const moved = positions.filter(
      ({ offset, committedOffset }) => offset !== committedOffset,
    );
    if (moved.length === 0) return true;
    const partitions = moved.map(({ partition, offset, epoch }) => ({
      partitionIndex: partition,
      committedOffset: offset,
      committedLeaderEpoch: epoch,
      committedMetadata: null,
    }));
    const call = this.#data.context.nextCall();
    const answer = await this.#coordinator.call(8, 8, {
      groupId: group,
      generationIdOrMemberEpoch: generation,
      memberId: this.#memberId,
      topics: [{ name: topic, partitions }],
    });
    let isGood = answer !== null;
    for (const one of answer?.topics[0]?.partitions ?? []) {
      const sent = partitions.find(
        ({ partitionIndex }) => partitionIndex === one.partitionIndex,
      );
      const position = moved.find(
        ({ partition }) => partition === one.partitionIndex,
      );
      if (one.errorCode === UNKNOWN_MEMBER_ID) this.#memberId = "";
      if (one.errorCode !== NO_ERROR || sent === undefined) isGood = false;
      else {
        const offset = sent.committedOffset;
        if (position !== undefined) position.committedOffset = offset;
        const place = { topic, partition: one.partitionIndex };
        this.#data.context.observe({
          kind: "committed",
          call,
          group,
          ...place,
          offset,
        });
      }
    }
    return isGood;
  }
}
