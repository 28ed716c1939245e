/**
 * Groups: every command goes to the coordinator that has the group's partition
 * of `__consumer_offsets`. What spans coordinators (list) is put together here.
 */
import type {
  HeartbeatAnswer,
  HeartbeatRequest,
  JoinAnswer,
  JoinRequest,
  LeaveAnswer,
  LeaveRequest,
  SyncAnswer,
  SyncRequest,
} from "../group/group-answers.ts";
import type {
  DeleteGroupAnswer,
  GroupCoordinator,
} from "../group/group-coordinator.ts";
import type {
  GroupDescription,
  ListedGroup,
  ListGroupsRequest,
} from "../group/group-listing.ts";
import { groupPartition } from "../group/group-partition.ts";
import type { GroupRecord } from "../group/group-record.ts";
import type {
  CommitOffsetsAnswer,
  CommitOffsetsRequest,
  DeleteOffsetsAnswer,
  DeleteOffsetsRequest,
  FetchOffsetsAnswer,
  FetchOffsetsRequest,
} from "../group/offset-answers.ts";
import type { Command, MachineResult } from "../machine/machine.ts";
import type { MachineRuntime } from "../machine/machine-runtime.ts";
import type { RequestContext } from "./context.ts";

export type { JoinAnswer } from "../group/group-answers.ts";
export type { GroupDescription } from "../group/group-listing.ts";
export type { FetchedTopic } from "../group/offset-answers.ts";

/** One partition of `__consumer_offsets`. */
export interface CoordinatorShard {
  readonly coordinator: GroupCoordinator;
  readonly runtime: MachineRuntime<GroupRecord>;
}

type Ask<Request, Answer> = (
  context: RequestContext,
  request: Request,
) => Promise<MachineResult<Answer>>;

export interface OneGroup {
  readonly groupId: string;
}

export interface ManageGroups {
  readonly join: Ask<JoinRequest, JoinAnswer>;
  readonly sync: Ask<SyncRequest, SyncAnswer>;
  readonly heartbeat: Ask<HeartbeatRequest, HeartbeatAnswer>;
  readonly leave: Ask<LeaveRequest, LeaveAnswer>;
  /** Takes partitions as they are named; `commit-offsets.ts` asks the catalog first. */
  readonly commitOffsets: Ask<CommitOffsetsRequest, CommitOffsetsAnswer>;
  readonly fetchOffsets: Ask<FetchOffsetsRequest, FetchOffsetsAnswer>;
  readonly deleteOffsets: Ask<DeleteOffsetsRequest, DeleteOffsetsAnswer>;
  readonly describe: Ask<OneGroup, readonly GroupDescription[]>;
  readonly delete: Ask<OneGroup, readonly DeleteGroupAnswer[]>;
  /** Over all coordinators; fails where one of them cannot answer. */
  readonly list: Ask<ListGroupsRequest, readonly ListedGroup[]>;
}

/** `shards`: the coordinators there are by now; none while they cannot be opened. */
export function createManageGroups(
  shards: () => readonly CoordinatorShard[],
): ManageGroups {
  /** Sends a command to the coordinator of the group that the request names. */
  function ask<Request extends { readonly groupId: string }, Answer>(
    commandOf: (
      coordinator: GroupCoordinator,
      request: Request,
    ) => Command<Answer, GroupRecord>,
  ): Ask<Request, Answer> {
    return (_context, request) => {
      const all = shards();
      const shard = all[groupPartition(request.groupId, all.length)];
      if (shard === undefined) {
        return Promise.resolve({
          error: "coordinator-not-available",
          detail: "there are no coordinators",
        });
      }
      return shard.runtime.run(commandOf(shard.coordinator, request));
    };
  }
  return {
    join: ask((coordinator, request) => coordinator.joinGroup(request)),
    sync: ask((coordinator, request) => coordinator.syncGroup(request)),
    heartbeat: ask((coordinator, request) => coordinator.heartbeat(request)),
    leave: ask((coordinator, request) => coordinator.leaveGroup(request)),
    commitOffsets: ask((coordinator, request) =>
      coordinator.commitOffsets(request),
    ),
    fetchOffsets: ask((coordinator, request) =>
      coordinator.fetchOffsets(request),
    ),
    deleteOffsets: ask((coordinator, request) =>
      coordinator.deleteOffsets(request),
    ),
    describe: ask((coordinator, { groupId }: OneGroup) =>
      coordinator.describeGroups([groupId]),
    ),
    delete: ask((coordinator, { groupId }: OneGroup) =>
      coordinator.deleteGroups([groupId]),
    ),
    async list(_context, request) {
      const listed: ListedGroup[] = [];
      for (const { coordinator, runtime } of shards()) {
        const result = await runtime.run(coordinator.listGroups(request));
        if (result.error !== null) return result;
        listed.push(...result.answer);
      }
      return { error: null, answer: listed };
    },
  };
}
