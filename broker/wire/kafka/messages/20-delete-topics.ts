/**
 * DeleteTopics: v1-6
 *
 * v1   throttle time
 * v4   flexible
 * v5   a message with an error; THROTTLING_QUOTA_EXCEEDED (KIP-599)
 * v6   by name or by id (KIP-516): `topics` takes the place of `topicNames`
 */
import {
  array,
  int16,
  int32,
  message,
  string,
  struct,
  uuid,
  type Infer,
} from "../../schema.ts";

export const deleteTopicsRequest = message({
  apiKey: 20,
  name: "DeleteTopicsRequest",
  versions: "1-6",
  flexible: "4+",
  fields: {
    topics: array(
      struct({
        name: string.nullable().default(null),
        topicId: uuid,
      }),
    ).versions("6+"),
    topicNames: array(string).versions("0-5"),
    timeoutMs: int32,
  },
});
export type DeleteTopicsRequest = Infer<typeof deleteTopicsRequest>;

export const deleteTopicsResponse = message({
  apiKey: 20,
  name: "DeleteTopicsResponse",
  versions: "1-6",
  flexible: "4+",
  fields: {
    throttleTimeMs: int32,
    responses: array(
      struct({
        name: string.nullable("6+"),
        topicId: uuid.versions("6+"),
        errorCode: int16,
        errorMessage: string.versions("5+").nullable().default(null),
      }),
    ),
  },
});
export type DeleteTopicsResponse = Infer<typeof deleteTopicsResponse>;
