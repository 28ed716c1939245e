/**
 * The shapes of the read-only JSON, in JSON Schema: what the OpenAPI document
 * shows, and what answers are written by. A field that is not here is not sent.
 */

const text = { type: "string" } as const;
const count = { type: "integer", minimum: 0 } as const;
const maybeCount = { type: ["integer", "null"], minimum: 0 } as const;

/** Most items of a list that one answer holds. */
const PAGE_COUNT_MAX = 10_000;

export const pageQuery = {
  type: "object",
  additionalProperties: false,
  properties: {
    first: { ...count, default: 0, description: "How many to skip." },
    count: {
      type: "integer",
      minimum: 1,
      maximum: PAGE_COUNT_MAX,
      default: 1_000,
      description: "How many to show.",
    },
  },
} as const;

export const topicParams = {
  type: "object",
  required: ["topic"],
  properties: { topic: { ...text, description: "The topic's name." } },
} as const;

export const groupParams = {
  type: "object",
  required: ["group"],
  properties: { group: { ...text, description: "The group's id." } },
} as const;

export const errorAnswer = object({
  error: { ...text, description: "One word for what is wrong." },
  message: text,
});

export const statusAnswer = object({
  status: { ...text, enum: ["ok", "not-ready"] },
});

const topicSummary = {
  name: text,
  topicId: { ...text, description: "22 characters of base64url, as Kafka's." },
  partitionCount: count,
  isInternal: { type: "boolean" },
} as const;

export const topicsAnswer = page("topics", object(topicSummary));

export const topicAnswer = object({
  ...topicSummary,
  configs: {
    type: "object",
    additionalProperties: text,
    description: "Settings that were set for this topic, by Kafka's names.",
  },
});

export const partitionsAnswer = page(
  "partitions",
  object({
    partition: count,
    leader: count,
    leaderEpoch: count,
    startOffset: { ...maybeCount, description: "Of the first record." },
    endOffset: { ...maybeCount, description: "Of the next record." },
    error: {
      type: ["string", "null"],
      description: "Why the partition cannot be read.",
    },
    detail: {
      type: ["string", "null"],
      description: "The same for a person: the file and what the system said.",
    },
  }),
);

const groupSummary = {
  group: text,
  state: text,
  protocolType: text,
} as const;

export const groupsAnswer = page("groups", object(groupSummary));

export const groupAnswer = object({
  ...groupSummary,
  assignor: {
    type: ["string", "null"],
    description: "Null unless the group is stable.",
  },
  lag: { ...count, description: "Over all partitions." },
  members: list(
    object({
      memberId: text,
      instanceId: { type: ["string", "null"] },
      clientId: text,
      clientHost: text,
    }),
  ),
  offsets: list(
    object({
      topic: text,
      partition: count,
      offset: { ...count, description: "The next record to read." },
      endOffset: maybeCount,
      lag: maybeCount,
    }),
  ),
});

function object<Properties extends object>(properties: Properties) {
  return {
    type: "object",
    required: Object.keys(properties),
    properties,
  } as const;
}

function list<Items extends object>(items: Items) {
  return { type: "array", items } as const;
}

/** A part of a list, and how long the whole is. */
function page<Items extends object>(name: string, items: Items) {
  return object({ total: count, [name]: list(items) });
}
