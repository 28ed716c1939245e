/**
 * Where Millrace answers differently from Kafka, on purpose. The page on
 * compatibility prints this table; the comparison with a real Kafka accepts
 * these differences, no others, and insists that each is still there.
 */
import type { Difference } from "./difference.ts";

export interface Deliberate {
  readonly api: string;
  readonly here: string;
  readonly kafka: string;
  readonly why: string;
  /** Which differences this explains. */
  readonly question: RegExp;
  readonly path: RegExp;
  /** Only where this is what we say, or what Kafka says. */
  readonly ours?: unknown;
  readonly kafkas?: unknown;
}

/** Any question of an API, in any version. */
const of = (...apis: readonly string[]) =>
  new RegExp(`\\((${apis.join("|")}) v\\d+\\)$`);
/** One question of an API, whatever its version. */
const asked = (question: string, api: string) =>
  new RegExp(`^${question} \\(${api} v\\d+\\)$`);

export const deliberate: readonly Deliberate[] = [
  {
    api: "all",
    here: "every refusal says why, where the answer has a place for it",
    kafka: "many are a number alone",
    why: "a person reads it",
    question: /./,
    path: /\.errorMessage$/,
    ours: "some text",
  },
  {
    api: "DescribeConfigs, FindCoordinator",
    here: "a success has no message: null",
    kafka: "an empty one",
    why: "there is nothing to say",
    question: of("DescribeConfigs", "FindCoordinator"),
    path: /errorMessage$/,
    kafkas: "",
  },
  {
    api: "FindCoordinator",
    here: "a success has no message: null",
    kafka: "NONE, below version 4",
    why: "there is nothing to say",
    question: /^of (a group|an empty group id) \(FindCoordinator v[123]\)$/,
    path: /^errorMessage$/,
    ours: null,
  },
  {
    api: "CreatePartitions, DeleteTopics, DeleteGroups",
    here: "what is named twice is answered twice",
    kafka: "once",
    why: "an answer for each question, in their order",
    question: /^one twice \((CreatePartitions|DeleteTopics|DeleteGroups) /,
    path: / again \d+\]$/,
  },
  {
    api: "AlterConfigs",
    here: "a resource named twice is refused",
    kafka: "the whole request fails, and the connection with it",
    why: "the others can be answered",
    question: asked("one topic twice", "AlterConfigs"),
    path: /^$/,
  },
  {
    api: "FindCoordinator, InitProducerId",
    here: "transactional ids are refused with an error that ends the attempt",
    kafka: "they have a coordinator",
    why: "there are no transactions yet",
    question: /^of (a|an impossible) transaction /,
    // Kafka's is there, or not yet: it is made when it is first asked for.
    path: /(errorCode|errorMessage|nodeId|host|port)$/,
  },
  {
    api: "JoinGroup",
    here: "what a member's metadata says is its own affair",
    kafka:
      "a consumer's that cannot be read stops the rebalance: nobody is answered",
    why: "one client must not stop a group",
    question: /^metadata that is no subscription /,
    path: /^$/,
  },
  {
    api: "DescribeGroups",
    here: "a member's host is its address",
    kafka: "with a slash before it",
    why: "that is how Java prints an address without a name",
    question: of("DescribeGroups"),
    path: /\.clientHost$/,
  },
  {
    api: "ListGroups",
    here: "a join that was refused leaves no group behind",
    kafka: "an empty one",
    why: "a stranger must not fill the memory",
    question: of("ListGroups"),
    path: /^groups\[j-(none|typeless)\]$/,
  },
  {
    api: "ApiVersions",
    here: "the APIs and versions of the table above, and no features",
    kafka: "more",
    why: "what is said must be true",
    question: /^api versions /,
    path: /^(apiKeys|supportedFeatures|finalizedFeatures)/,
  },
  {
    api: "Produce",
    here: "a refused batch has log start offset -1",
    kafka: "some refusals tell the log's start",
    why: "no client reads it beside an error",
    question: of("Produce"),
    path: /\.logStartOffset$/,
  },
  {
    api: "Produce",
    here: "null records are refused",
    kafka: "the request is never answered",
    why: "a client that waits for ever learns nothing",
    question: asked("null records", "Produce"),
    path: /^$/,
  },
  {
    api: "Produce",
    here: "half a batch behind a whole one is refused",
    kafka: "what follows the batch is dropped in silence",
    why: "a client that sends it is broken, and would lose records",
    question: asked("half a batch behind one", "Produce"),
    path: /./,
  },
  {
    api: "Produce",
    here: "an idempotent batch's epoch and sequence are at least 0",
    kafka: "a new producer's epoch may be negative",
    why: "no client's is; it could never be fenced",
    question: asked("a negative epoch", "Produce"),
    path: /./,
  },
  {
    api: "Produce",
    here: "a duplicate is answered as its original was, without a time",
    kafka: "a duplicate's answer has the batch's time as its log append time",
    why: "the time was the producer's",
    question: /^(the same|the one before|the second of six) again /,
    path: /\.logAppendTimeMs$/,
  },
  {
    api: "Produce",
    here: "a timestamp out of bounds is told by its batch",
    kafka: "also by its record",
    why: "the batch's header has the bounds of all its records: they are not parsed",
    question: /^too (old|far in the future) /,
    path: /\.recordErrors/,
  },
  {
    api: "Fetch",
    here: "an error tells where the log is",
    kafka: "high watermark and log start are -1",
    why: "a reader out of range has to know",
    question: of("Fetch"),
    path: /\.(highWatermark|logStartOffset)$/,
  },
  {
    api: "Fetch",
    here: "fewer than no bytes are none, and an isolation level that does not exist reads uncommitted",
    kafka: "UNKNOWN_SERVER_ERROR",
    why: "no client sends them; an error that means a bug should mean one",
    question: /^(negative bytes for the partition|isolation 7) \(Fetch/,
    path: /./,
  },
  {
    api: "Fetch",
    here: "a topic set to zstd is refused to readers below version 10",
    kafka: "it is sent all the same, since 4.0",
    why: "the client can say what is wrong (KIP-110)",
    question: /^a zstd topic \(Fetch v[4-9]\)$/,
    path: /./,
  },
  {
    api: "Fetch",
    here: "what the topic compresses anew has the bytes of this zstd",
    kafka: "of that one",
    why: "the records are the same",
    question: asked("a zstd topic", "Fetch"),
    path: /\.records/,
  },
  {
    api: "Fetch",
    here: "a request in the name of a replica is a reader's",
    kafka: "NOT_LEADER_OR_FOLLOWER for a broker that is none",
    why: "one node has no replicas",
    question: asked("as a replica", "Fetch"),
    path: /./,
  },
  {
    api: "Fetch",
    here: "a partition asked for twice is answered twice",
    kafka: "once, for the last of them",
    why: "some clients repeat a topic for each partition; every answer finds its question",
    question: asked("a partition twice", "Fetch"),
    path: /./,
  },
  {
    api: "Fetch",
    here: "no sessions: every request is a full one",
    kafka: "a session where one is asked for (KIP-227)",
    why: "between a broker and few clients they save little, and hold memory",
    question: asked("a session from its start", "Fetch"),
    path: /^sessionId$/,
  },
  {
    api: "ListOffsets",
    here: "a partition asked for twice is answered twice",
    kafka: "once, with INVALID_REQUEST",
    why: "both questions have an answer",
    question: asked("a partition twice", "ListOffsets"),
    path: /./,
  },
  {
    api: "Metadata",
    here: "a topic that is created by asking for it is there at once",
    kafka: "the first answer is UNKNOWN_TOPIC_OR_PARTITION",
    why: "one node needs no time to agree; clients need one request less",
    question: asked("created when asked for", "Metadata"),
    path: /./,
  },
  {
    api: "Metadata",
    here: "a request by id below version 12 is refused for its topics",
    kafka: "the answer has no brokers and no cluster id either",
    why: "they are true all the same",
    question: /^by id \(Metadata v1[01]\)$/,
    path: /./,
  },
  {
    api: "Metadata",
    here: "the zero id is an id that nobody has",
    kafka: "the whole request is answered with UNKNOWN_SERVER_ERROR",
    why: "an error that means a bug should mean one",
    question: asked("the zero id", "Metadata"),
    path: /./,
  },
  {
    api: "IncrementalAlterConfigs",
    here: "an operation that does not exist is INVALID_REQUEST",
    kafka: "UNKNOWN_SERVER_ERROR",
    why: "an error that means a bug should mean one",
    question: asked("an operation that is not", "IncrementalAlterConfigs"),
    path: /./,
  },
  {
    api: "CreateTopics, DescribeConfigs",
    here: "no settings for tiered storage and throttled replicas",
    kafka:
      "`remote.*`, `local.retention.*`, `*.replication.throttled.replicas`",
    why: "there is neither, and they would do nothing",
    question: of("CreateTopics", "DescribeConfigs"),
    path: /\.configs\[(remote|local|leader|follower)\./,
  },
  {
    api: "CreateTopics, DescribeConfigs",
    here: "min.insync.replicas is a default",
    kafka: "a setting of the whole cluster, written when it was formatted",
    why: "there is one replica",
    question: of("CreateTopics", "DescribeConfigs"),
    path: /\.configs\[min\.insync\.replicas\]/,
  },
  {
    api: "CreateTopics",
    here: "nobody creates an internal topic",
    kafka: "a client may",
    why: "this broker decides what stands in it",
    question: asked("the internal topic", "CreateTopics"),
    path: /./,
  },
];

export function isDeliberate(
  deliberate: Deliberate,
  difference: Difference,
): boolean {
  return (
    deliberate.question.test(difference.question) &&
    deliberate.path.test(difference.path) &&
    (deliberate.ours === undefined || deliberate.ours === difference.ours) &&
    (deliberate.kafkas === undefined || deliberate.kafkas === difference.kafkas)
  );
}
