/**
 * Partition counts of topics, remembered for a while: what a producer needs to
 * know before it can choose a partition.
 */
import type { Clock } from "../../broker/platform/clock.ts";
import type { Driver } from "./driver.ts";
import { refused } from "./refusal.ts";

/** Java's `metadata.max.age.ms`: by then grown topics are seen. */
const AGE_MS_MAX = 300_000;

interface Known {
  readonly partitionCount: number;
  readonly loadedAtMs: number;
}

export class TopicCounts {
  readonly #driver: Driver;
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();
  readonly #loading = new Map<string, Promise<number>>();

  constructor(driver: Driver, clock: Clock) {
    this.#driver = driver;
    this.#clock = clock;
  }

  /** Null where it has to be loaded first. An old count is given and looked up anew behind it. */
  get(topic: string): number | null {
    const known = this.#known.get(topic);
    if (known === undefined) return null;
    if (this.#clock.monotonic() - known.loadedAtMs > AGE_MS_MAX) {
      this.refresh(topic);
    }
    return known.partitionCount;
  }

  /** Asks the broker, which creates the topic where it is set up to. Rejects as it refuses. */
  load(topic: string): Promise<number> {
    const loading = this.#loading.get(topic) ?? this.#load(topic);
    this.#loading.set(topic, loading);
    return loading;
  }

  /** Looks up anew what may have changed; until then the old count stands. */
  refresh(topic: string): void {
    // A failure leaves what was known; the next send that fails asks again.
    this.load(topic).catch(() => {});
  }

  async #load(topic: string): Promise<number> {
    try {
      const { topics } = await this.#driver.metadata([topic], {
        autoCreate: true,
      });
      const found = topics.find(({ name }) => name === topic);
      const error = found?.error ?? null;
      if (found === undefined || error !== null || found.partitionCount < 1) {
        throw refused(
          `metadata of ${topic}`,
          error ?? "unknown-topic-or-partition",
        );
      }
      this.#known.set(topic, {
        partitionCount: found.partitionCount,
        loadedAtMs: this.#clock.monotonic(),
      });
      return found.partitionCount;
    } finally {
      this.#loading.delete(topic);
    }
  }
}
