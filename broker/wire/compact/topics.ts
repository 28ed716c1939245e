/** Messages about topics, their configuration, and who serves them. */
import {
  array,
  bool,
  int32,
  int64,
  string,
  struct,
  uint32,
} from "../schema.ts";
import { error, namedErrors } from "./common.ts";

const namedConfigs = array(struct({ name: string, value: string.nullable() }));

/** `topics` null asks for all there are. */
export const metadataRequest = {
  topics: array(string).nullable(),
  /** Create those that are missing, if the broker is set to. */
  mayCreate: bool,
};

export const metadataAnswer = {
  topics: array(
    struct({
      name: string,
      error,
      topicId: string.nullable(),
      isInternal: bool,
      partitionCount: uint32,
    }),
  ),
};

export const describeClusterRequest = {};

export const describeClusterAnswer = {
  clusterId: string,
  controllerId: int32,
  /** The host is empty where the broker takes no connections by address. */
  brokers: array(struct({ nodeId: int32, host: string, port: int32 })),
};

export const createTopicsRequest = {
  topics: array(
    struct({
      name: string,
      /** Null: the broker's default. */
      partitionCount: int32.nullable(),
      configs: namedConfigs,
    }),
  ),
  /** Answers what would be, and creates nothing. */
  validateOnly: bool,
};

export const createTopicsAnswer = {
  topics: array(
    struct({
      name: string,
      error,
      topicId: string.nullable(),
      partitionCount: uint32,
    }),
  ),
};

export const deleteTopicsRequest = { names: array(string) };

export const deleteTopicsAnswer = namedErrors;

export const describeTopicsRequest = { names: array(string) };

export const describeTopicsAnswer = {
  topics: array(
    struct({
      name: string,
      error,
      topicId: string.nullable(),
      isInternal: bool,
      /** One for each partition, from 0 on. */
      partitions: array(
        struct({
          error,
          leader: int32,
          leaderEpoch: int32.nullable(),
          startOffset: int64.nullable(),
          endOffset: int64.nullable(),
        }),
      ),
      /** Those that were set for the topic. */
      configs: namedConfigs,
    }),
  ),
};

export const createPartitionsRequest = {
  topics: array(
    struct({
      name: string,
      /** How many the topic shall have in all. */
      partitionCount: int32,
    }),
  ),
  validateOnly: bool,
};

export const createPartitionsAnswer = namedErrors;

export const describeConfigsRequest = {
  resources: array(
    struct({
      /** `topic` or `broker`. */
      kind: string,
      /** A topic's name, or a node id as text. */
      name: string,
      /** Null asks for all. */
      names: array(string).nullable(),
    }),
  ),
};

export const describeConfigsAnswer = {
  resources: array(
    struct({
      error,
      configs: array(
        struct({
          name: string,
          value: string.nullable(),
          /** `topic`, `static-broker` or `default`. */
          source: string,
          isReadOnly: bool,
          type: string,
          documentation: string,
        }),
      ),
    }),
  ),
};

export const alterConfigsRequest = {
  topics: array(
    struct({
      name: string,
      steps: array(
        struct({
          name: string,
          value: string.nullable(),
          /** `set`, `delete`, `append` or `subtract`. */
          operation: string,
        }),
      ),
    }),
  ),
  validateOnly: bool,
};

export const alterConfigsAnswer = namedErrors;
