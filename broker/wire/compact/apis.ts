/**
 * THE table of the compact protocol: key, request, answer.
 *
 * DO NOT CHANGE a key: it is on the wire. Messages change by fields added at
 * their end, which an older peer passes over and a newer one has defaults for.
 */
import type { Fields, FieldsIn, FieldsOut } from "../schema.ts";
import { frameCodec, type FrameCodec } from "./compact-frame.ts";
import * as groups from "./groups.ts";
import { helloAnswer, helloRequest } from "./hello.ts";
import * as records from "./records.ts";
import * as subscriptions from "./subscriptions.ts";
import * as topics from "./topics.ts";

export interface CompactApi<Q extends Fields, A extends Fields> {
  readonly key: number;
  readonly request: FrameCodec<Q>;
  readonly answer: FrameCodec<A>;
}

function api<Q extends Fields, A extends Fields>(
  key: number,
  request: Q,
  answer: A,
): CompactApi<Q, A> {
  return {
    key,
    request: frameCodec(`request ${key}`, request),
    answer: frameCodec(`answer ${key}`, answer),
  };
}

export const compactApis = {
  hello: api(1, helloRequest, helloAnswer),

  metadata: api(2, topics.metadataRequest, topics.metadataAnswer),
  "describe-cluster": api(
    3,
    topics.describeClusterRequest,
    topics.describeClusterAnswer,
  ),
  "create-topics": api(
    4,
    topics.createTopicsRequest,
    topics.createTopicsAnswer,
  ),
  "delete-topics": api(
    5,
    topics.deleteTopicsRequest,
    topics.deleteTopicsAnswer,
  ),
  "describe-topics": api(
    6,
    topics.describeTopicsRequest,
    topics.describeTopicsAnswer,
  ),
  "create-partitions": api(
    7,
    topics.createPartitionsRequest,
    topics.createPartitionsAnswer,
  ),
  "describe-configs": api(
    8,
    topics.describeConfigsRequest,
    topics.describeConfigsAnswer,
  ),
  "alter-configs": api(
    9,
    topics.alterConfigsRequest,
    topics.alterConfigsAnswer,
  ),

  produce: api(20, records.produceRequest, records.produceAnswer),
  "init-producer": api(
    21,
    records.initProducerRequest,
    records.initProducerAnswer,
  ),
  fetch: api(22, records.fetchRequest, records.fetchAnswer),
  offsets: api(23, records.offsetsRequest, records.offsetsAnswer),
  "delete-records": api(
    24,
    records.deleteRecordsRequest,
    records.deleteRecordsAnswer,
  ),
  subscribe: api(
    25,
    subscriptions.subscribeRequest,
    subscriptions.subscribeAnswer,
  ),
  credit: api(26, subscriptions.creditRequest, subscriptions.creditAnswer),
  unsubscribe: api(
    27,
    subscriptions.unsubscribeRequest,
    subscriptions.unsubscribeAnswer,
  ),

  join: api(40, groups.joinRequest, groups.joinAnswer),
  sync: api(41, groups.syncRequest, groups.syncAnswer),
  heartbeat: api(42, groups.heartbeatRequest, groups.heartbeatAnswer),
  leave: api(43, groups.leaveRequest, groups.leaveAnswer),
  commit: api(44, groups.commitRequest, groups.commitAnswer),
  committed: api(45, groups.committedRequest, groups.committedAnswer),
  "list-groups": api(46, groups.listGroupsRequest, groups.listGroupsAnswer),
  "describe-groups": api(
    47,
    groups.describeGroupsRequest,
    groups.describeGroupsAnswer,
  ),
  "delete-groups": api(
    48,
    groups.deleteGroupsRequest,
    groups.deleteGroupsAnswer,
  ),
} as const;

export type CompactApis = typeof compactApis;
export type CompactApiName = keyof CompactApis;

type RequestFields<N extends CompactApiName> =
  CompactApis[N] extends CompactApi<infer Q, infer _A> ? Q : never;
type AnswerFields<N extends CompactApiName> =
  CompactApis[N] extends CompactApi<infer _Q, infer A> ? A : never;

/** What the broker reads, and what the client writes. */
export type CompactRequest<N extends CompactApiName> = FieldsOut<
  RequestFields<N>
>;
export type CompactRequestInput<N extends CompactApiName> = FieldsIn<
  RequestFields<N>
>;
/** What the client reads, and what the broker writes. */
export type CompactAnswer<N extends CompactApiName> = FieldsOut<
  AnswerFields<N>
>;
export type CompactAnswerInput<N extends CompactApiName> = FieldsIn<
  AnswerFields<N>
>;

/** Pushed under the key of `subscribe`. */
export const batchesFrames = frameCodec("batches", subscriptions.batchesPush);

const namesByKey: ReadonlyMap<number, CompactApiName> = new Map(
  (Object.keys(compactApis) as CompactApiName[]).map((name) => [
    compactApis[name].key,
    name,
  ]),
);

/** Null for a key that nobody declared. */
export function apiNameOf(key: number): CompactApiName | null {
  return namesByKey.get(key) ?? null;
}
