/** Reads partitions without a group: positions that the caller names, and a feed. */
import type { Clock } from "../../broker/platform/clock.ts";
import type { Random } from "../../broker/platform/random.ts";
import type {
  PartitionBatch,
  PartitionReader,
  ReaderOptions,
} from "../client.ts";
import { mustBeSeekTarget } from "./checked-arguments.ts";
import type { Driver } from "./driver.ts";
import { bufferedSize } from "./options.ts";
import { PartitionFeed } from "./partition-feed.ts";
import { offsetsOf } from "./positions.ts";
import { isPassing, refused } from "./refusal.ts";
import { sameId } from "./topic-partitions.ts";
import { abortedError, backoffMs, Deferred, sleep } from "./wait.ts";

export class CoreReader implements PartitionReader {
  readonly #driver: Driver;
  readonly #platform: { readonly clock: Clock; readonly random: Random };
  readonly #options: ReaderOptions;
  readonly #feed: PartitionFeed;
  readonly #aborter = new AbortController();
  readonly #closed = new Deferred();
  #isStarted = false;
  readonly #abort = (): void => void this.close();

  constructor(
    driver: Driver,
    platform: { readonly clock: Clock; readonly random: Random },
    options: ReaderOptions,
  ) {
    for (const { offset } of options.partitions) mustBeSeekTarget(offset);
    this.#driver = driver;
    this.#platform = platform;
    this.#options = options;
    this.#feed = new PartitionFeed(driver, platform, {
      isolation: options.isolation ?? "read_committed",
      bufferedSizeBytesMax: bufferedSize(options),
      // Whoever names an offset wants to know that it is not there.
      reset: ({ topic, partition }) =>
        Promise.reject(
          refused(`reading ${topic}-${partition}`, "offset-out-of-range"),
        ),
    });
    options.signal?.addEventListener("abort", this.#abort, { once: true });
    if (options.signal?.aborted === true) this.#abort();
  }

  [Symbol.asyncIterator](): AsyncIterator<PartitionBatch> {
    if (!this.#isStarted) void this.#start();
    return {
      next: () => this.#next(),
      return: async () => {
        await this.close();
        return { done: true, value: undefined };
      },
    };
  }

  async close(): Promise<void> {
    this.#options.signal?.removeEventListener("abort", this.#abort);
    this.#aborter.abort();
    await this.#feed.close();
    this.#closed.resolve();
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #next(): Promise<IteratorResult<PartitionBatch>> {
    const batch = await this.#feed.next();
    if (batch !== null) return { done: false, value: batch };
    const { signal } = this.#options;
    if (signal?.aborted === true) throw abortedError(signal);
    return { done: true, value: undefined };
  }

  async #start(): Promise<void> {
    this.#isStarted = true;
    const { clock, random } = this.#platform;
    const { signal } = this.#aborter;
    const isolation = this.#options.isolation ?? "read_committed";
    const { partitions } = this.#options;
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      try {
        const symbolic = partitions.flatMap((target) =>
          typeof target.offset === "number"
            ? []
            : [{ ...sameId(target), at: target.offset }],
        );
        const found = await offsetsOf(this.#driver, symbolic, isolation);
        let next = 0;
        const positions = partitions.map((target) => {
          const { offset } = target;
          return {
            ...sameId(target),
            offset: typeof offset === "number" ? offset : (found[next++] ?? 0),
          };
        });
        if (!signal.aborted) this.#feed.add(positions);
        return;
      } catch (error) {
        if (!isPassing(error)) return this.#feed.fail(error);
        await sleep(clock, backoffMs(attempt, random), signal);
      }
    }
  }
}
