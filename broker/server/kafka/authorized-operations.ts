/**
 * What a client may do, as bits of Kafka's `AclOperation` (KIP-430). Nobody is
 * kept from anything here, so it is everything that there is to do.
 */

/** Kafka's "not asked for". */
const NOT_ASKED = -0x80000000;

const READ = 3;
const WRITE = 4;
const CREATE = 5;
const DELETE = 6;
const ALTER = 7;
const DESCRIBE = 8;
const CLUSTER_ACTION = 9;
const DESCRIBE_CONFIGS = 10;
const ALTER_CONFIGS = 11;
const IDEMPOTENT_WRITE = 12;

const all = {
  topic: bitsOf(
    READ,
    WRITE,
    CREATE,
    DELETE,
    ALTER,
    DESCRIBE,
    DESCRIBE_CONFIGS,
    ALTER_CONFIGS,
  ),
  group: bitsOf(READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS),
  cluster: bitsOf(
    CREATE,
    ALTER,
    DESCRIBE,
    CLUSTER_ACTION,
    DESCRIBE_CONFIGS,
    ALTER_CONFIGS,
    IDEMPOTENT_WRITE,
  ),
};

export function authorizedOperations(
  resource: keyof typeof all,
  isAskedFor: boolean,
): number {
  return isAskedFor ? all[resource] : NOT_ASKED;
}

function bitsOf(...operations: readonly number[]): number {
  return operations.reduce((bits, operation) => bits | (1 << operation), 0);
}
