/**
 * The last words of a test run: each skipped test with its reason, then
 * `N passed, N failed, N skipped` alone on a line, counted from the runner's
 * own results. A file that could not be loaded and an error that no test
 * caught count as failed.
 */
import type { SerializedError } from "vitest";
import type { Reporter, TestCase, TestModule, TestSuite } from "vitest/node";

export class SummaryReporter implements Reporter {
  readonly #required: readonly string[];
  readonly #write: (text: string) => void;

  /** `required` names the things whose tests must not be skipped (see needs.ts). */
  constructor(
    required: readonly string[],
    write: (text: string) => void = (text) => process.stdout.write(text),
  ) {
    this.#required = required;
    this.#write = write;
  }

  onTestRunEnd(
    modules: readonly TestModule[],
    unhandledErrors: readonly SerializedError[],
  ): void {
    const summary = summarize(modules);
    const failed = summary.failed + unhandledErrors.length;
    const lacking = lackingOf(summary.skipped, this.#required);
    const lines = ["", ...describeSkipped(summary.skipped)];
    for (const thing of lacking)
      lines.push(
        `TEST_REQUIRE names ${thing}, and tests that need it were skipped: the run fails`,
      );
    lines.push(
      `${summary.passed} passed, ${failed} failed, ${summary.skipped.length} skipped`,
    );
    this.#write(`${lines.join("\n")}\n`);
    if (lacking.length > 0) process.exitCode = 1;
  }
}

interface Skipped {
  readonly name: string;
  readonly reason: string;
}

interface Summary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly Skipped[];
}

export function summarize(modules: readonly TestModule[]): Summary {
  let passed = 0;
  let failed = 0;
  const skipped: Skipped[] = [];
  for (const module of modules) {
    failed += module.errors().length;
    for (const suite of module.children.allSuites())
      failed += suite.errors().length;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === "passed") passed++;
      else if (state === "failed") failed++;
      else
        skipped.push({
          name: `${module.relativeModuleId} > ${test.fullName}`,
          reason: reasonOf(test),
        });
    }
  }
  return { passed, failed, skipped };
}

/** A note given when it was skipped, or the reason that it or a suite around it was declared with. */
function reasonOf(test: TestCase): string {
  const result = test.result();
  if (result.state === "skipped" && result.note) return result.note;
  let at: TestCase | TestSuite | TestModule = test;
  while (at.type !== "module") {
    const { skipReason } = at.meta();
    if (skipReason) return skipReason;
    at = at.parent;
  }
  return "no reason given";
}

function describeSkipped(skipped: readonly Skipped[]): string[] {
  const byReason = new Map<string, string[]>();
  for (const { name, reason } of skipped)
    byReason.set(reason, [...(byReason.get(reason) ?? []), name]);
  return [...byReason].flatMap(([reason, names]) => [
    `skipped, ${reason}:`,
    ...names.map((name) => `  ${name}`),
  ]);
}

/** The required things for want of which a test was skipped. */
export function lackingOf(
  skipped: readonly Skipped[],
  required: readonly string[],
): string[] {
  return required.filter((thing) =>
    skipped.some(({ reason }) => reason.startsWith(`needs ${thing}:`)),
  );
}
