/** Read-only JSON of topics, partitions, groups and lag. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import {
  errorAnswer,
  groupAnswer,
  groupParams,
  groupsAnswer,
  pageQuery,
  partitionsAnswer,
  topicAnswer,
  topicParams,
  topicsAnswer,
} from "./api-schemas.ts";
import {
  type Asker,
  surveyGroupOffsets,
  type SurveyedTopic,
  surveyOffsets,
  surveyTopic,
  surveyTopics,
} from "./survey.ts";

interface Page {
  readonly first: number;
  readonly count: number;
}

interface ByTopic {
  Params: { readonly topic: string };
}

interface ByGroup {
  Params: { readonly group: string };
}

/** `askerOf` tells the broker who asks. */
export function addApiRoutes(
  app: FastifyInstance,
  askerOf: (request: FastifyRequest) => Asker,
): void {
  app.get<{ Querystring: Page }>(
    "/api/topics",
    {
      schema: {
        summary: "Topics, by name",
        querystring: pageQuery,
        response: { 200: topicsAnswer },
      },
    },
    async (request) => {
      const topics = await surveyTopics(askerOf(request));
      const { total, part } = pageOf(topics, request.query);
      return { total, topics: part.map(summaryOf) };
    },
  );

  app.get<ByTopic>(
    "/api/topics/:topic",
    {
      schema: {
        summary: "A topic and its settings",
        params: topicParams,
        response: { 200: topicAnswer, 404: errorAnswer },
      },
    },
    async (request, reply) => {
      const found = await surveyTopic(askerOf(request), request.params.topic);
      if (found === null) return refuseTopic(reply, request.params.topic);
      const configs = Object.fromEntries(found.topic.overrides);
      return { ...summaryOf(found), configs };
    },
  );

  app.get<ByTopic & { Querystring: Page }>(
    "/api/topics/:topic/partitions",
    {
      schema: {
        summary: "A topic's partitions and their offsets",
        params: topicParams,
        querystring: pageQuery,
        response: { 200: partitionsAnswer, 404: errorAnswer },
      },
    },
    async (request, reply) => {
      const asker = askerOf(request);
      const found = await surveyTopic(asker, request.params.topic);
      if (found === null) return refuseTopic(reply, request.params.topic);
      return partitionsOf(asker, found, request.query);
    },
  );

  app.get<{ Querystring: Page }>(
    "/api/groups",
    {
      schema: {
        summary: "Consumer groups, by id",
        querystring: pageQuery,
        response: { 200: groupsAnswer, 503: errorAnswer },
      },
    },
    async (request, reply) => {
      const { operations, context } = askerOf(request);
      const listed = await operations.groups.list(context, {
        states: [],
        types: [],
      });
      if (listed.error !== null) return refuseGroups(reply, listed.error);
      const groups = listed.answer
        .map(({ groupId, state, protocolType }) => ({
          group: groupId,
          state,
          protocolType,
        }))
        .sort((a, b) => (a.group < b.group ? -1 : 1));
      const { total, part } = pageOf(groups, request.query);
      return { total, groups: part };
    },
  );

  app.get<ByGroup>(
    "/api/groups/:group",
    {
      schema: {
        summary: "A group's members, committed offsets and lag",
        params: groupParams,
        response: { 200: groupAnswer, 404: errorAnswer, 503: errorAnswer },
      },
    },
    async (request, reply) =>
      groupOf(askerOf(request), request.params.group, reply),
  );
}

function summaryOf({ topic }: SurveyedTopic) {
  const { name, id, partitionCount, isInternal } = topic;
  return { name, topicId: id, partitionCount, isInternal };
}

async function partitionsOf(asker: Asker, found: SurveyedTopic, page: Page) {
  const { name, partitionCount } = found.topic;
  const all = Array.from({ length: partitionCount }, (_, partition) => ({
    topic: name,
    partition,
  }));
  const { total, part } = pageOf(all, page);
  const { node } = asker.operations.describeCluster(asker.context);
  const offsets = await surveyOffsets(asker, part);
  const partitions = offsets.map((one) => ({
    ...one,
    leader: node.nodeId,
    leaderEpoch: found.leaderEpochs[one.partition] ?? 0,
  }));
  return { total, partitions };
}

async function groupOf(asker: Asker, groupId: string, reply: FastifyReply) {
  const { operations, context } = asker;
  const described = await operations.groups.describe(context, { groupId });
  if (described.error !== null) return refuseGroups(reply, described.error);
  const surveyed = await surveyGroupOffsets(asker, groupId);
  if (surveyed.error !== null) return refuseGroups(reply, surveyed.error);
  const { offsets } = surveyed;
  const [group] = described.answer;
  // Kafka's word for a group that nobody knows.
  if (group === undefined || (group.state === "Dead" && offsets.length === 0)) {
    const message = `there is no group ${groupId}`;
    return reply.code(404).send({ error: "group-id-not-found", message });
  }
  return {
    group: groupId,
    state: group.state,
    protocolType: group.protocolType,
    assignor: group.protocol === "" ? null : group.protocol,
    lag: offsets.reduce((sum, { lag }) => sum + (lag ?? 0), 0),
    members: group.members,
    offsets,
  };
}

function pageOf<T>(all: readonly T[], { first, count }: Page) {
  return { total: all.length, part: all.slice(first, first + count) };
}

function refuseTopic(reply: FastifyReply, name: string) {
  const message = `there is no topic ${name}`;
  return reply.code(404).send({ error: "unknown-topic-or-partition", message });
}

/** Coordinators that load or have lost their disk: the same question may succeed later. */
function refuseGroups(reply: FastifyReply, error: string) {
  const message = "the groups are not to be had at present: ask again";
  return reply.code(503).send({ error, message });
}
