/** How Kafka's messages say what we say otherwise. */

/** Kafka's "none" is -1 where ours is null. */
export function orNull(value: number): number | null {
  return value === -1 ? null : value;
}

/** Kafka's "none" is the empty text for member ids. */
export function textOrNull(value: string): string | null {
  return value === "" ? null : value;
}

const READ_COMMITTED = 1;

export function isolationOf(
  level: number,
): "read_committed" | "read_uncommitted" {
  return level === READ_COMMITTED ? "read_committed" : "read_uncommitted";
}

/** Flattens topics with partitions, for operations that take them one by one. */
export function flatten<P, R>(
  topics: readonly {
    readonly name: string;
    readonly partitions: readonly P[];
  }[],
  toOne: (topic: string, partition: P) => R,
): R[] {
  return topics.flatMap(({ name, partitions }) =>
    partitions.map((partition) => toOne(name, partition)),
  );
}

/** Gives flat results back the shape of the request they answer, in its order. */
export function regroup<P, R, A>(
  topics: readonly {
    readonly name: string;
    readonly partitions: readonly P[];
  }[],
  results: readonly R[],
  toAnswer: (partition: P, result: R | undefined) => A,
): { name: string; partitions: A[] }[] {
  let next = 0;
  return topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map((partition) =>
      toAnswer(partition, results[next++]),
    ),
  }));
}
