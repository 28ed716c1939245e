/**
 * What a test needs besides `npm ci`, and whether it is here.
 *
 *   const kcat = needs("kcat");
 *   describe("kcat", kcat.options, () => { ... });     // skipped with its reason
 *   test("...", (context) => { if (!kcat.isAvailable) context.skip(kcat.reason); });
 *
 * A skipped test is counted and shown with its reason (summary-reporter.ts).
 * Where the environment names a thing in TEST_REQUIRE (`kcat,kafka`), a test
 * that was skipped for want of it fails the run.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

declare module "vitest" {
  interface TaskMeta {
    /** Why the tests here are skipped, in the form of `Need.reason`. */
    skipReason?: string;
  }
}

export type Thing = "kcat" | "kafka" | "tmpfs";

export interface Need {
  readonly isAvailable: boolean;
  /** `needs kcat: ...`, the form by which the reporter knows the thing again. Empty when it is here. */
  readonly reason: string;
  /** For `describe` and `test`: skips with the reason where the thing is missing. */
  readonly options: {
    readonly skip: boolean;
    readonly meta: { skipReason?: string };
  };
}

/** The folder that test/kafka/fetch-jars.sh fills. */
export const kafkaJars = join(import.meta.dirname, "..", "kafka", "jars");

/** What is missing, or null when the thing can be used. */
const missing: Readonly<Record<Thing, () => string | null>> = {
  tmpfs: missingTmpfs,
  kcat: () => (spawnSync("kcat", ["-V"]).error ? "no kcat on the PATH" : null),
  kafka: () => {
    const hasJars =
      existsSync(kafkaJars) &&
      readdirSync(kafkaJars).some((name) => /^kafka_.*\.jar$/.test(name));
    if (!hasJars) return "no jars: run test/kafka/fetch-jars.sh";
    const java = spawnSync("java", ["-version"], { encoding: "utf8" });
    if (java.error) return "no java on the PATH";
    const major = Number(/version "(\d+)/.exec(java.stderr)?.[1] ?? 0);
    return major >= 17 ? null : `Java ${major} is too old, Kafka wants 17`;
  },
};

/** Mounting one takes a Linux, and the right to. */
function missingTmpfs(): string | null {
  const at = mkdtempSync(join(tmpdir(), "millrace-mount-"));
  try {
    const mount = spawnSync("mount", ["-t", "tmpfs", "tmpfs", at], {
      encoding: "utf8",
    });
    if (mount.error) return "no mount on the PATH";
    if (mount.status !== 0)
      return `mounting is refused: ${mount.stderr.trim()}`;
    spawnSync("umount", [at]);
    return null;
  } finally {
    rmdirSync(at);
  }
}

const known = new Map<Thing, Need>();

/** Looks once a process. */
export function needs(thing: Thing): Need {
  const before = known.get(thing);
  if (before) return before;
  const why = missing[thing]();
  const reason = why === null ? "" : `needs ${thing}: ${why}`;
  const need: Need = {
    isAvailable: why === null,
    reason,
    options:
      why === null
        ? { skip: false, meta: {} }
        : { skip: true, meta: { skipReason: reason } },
  };
  known.set(thing, need);
  return need;
}
