/**
 * Who serves: the cluster's id, and the address a client is to connect to.
 *
 * One node leads everything and coordinates everything, so this is also the
 * answer to "who leads" and "who coordinates". The address depends on the
 * listener the question came in by.
 */
import type { RequestContext } from "./context.ts";

export interface Node {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

export interface ClusterDescription {
  readonly clusterId: string;
  readonly node: Node;
}

export type DescribeCluster = (context: RequestContext) => ClusterDescription;

export interface ClusterParts {
  readonly clusterId: string;
  readonly nodeId: number;
  /** What clients of a listener are told; null: it takes no connections by address. */
  readonly advertisedAt: (
    listener: string,
  ) => { readonly host: string; readonly port: number } | null;
}

export function createDescribeCluster(parts: ClusterParts): DescribeCluster {
  return ({ listener }) => {
    const address = parts.advertisedAt(listener) ?? { host: "", port: 0 };
    return {
      clusterId: parts.clusterId,
      node: { nodeId: parts.nodeId, ...address },
    };
  };
}
