/** A real file system of 8 MB, filled to the last byte. */
import { spawnSync } from "node:child_process";
import { appendFileSync, rmSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type MillraceBroker, startBroker } from "../../../broker/broker.ts";
import { parseSettings } from "../../../broker/options.ts";
import { createNodePlatform } from "../../../broker/platform/node/node-platform.ts";
import { needs } from "../../support/needs.ts";
import { createTemporaryDirectory } from "../../support/temporary-directory.ts";
import type { TemporaryDirectory } from "../../support/temporary-directory.ts";
import { batchOf, valuesIn } from "../server/kafka/support.ts";

const context = {
  principal: "User:ANONYMOUS",
  clientId: null,
  clientHost: "here",
  listener: "in-process",
  connectionId: 0,
  closed: new AbortController().signal,
};

const at = { topic: "orders", partition: 0 };

/** A broker of this process, asked without a client that would try again. */
class TmpfsBroker {
  readonly broker: MillraceBroker;
  readonly errors: string[];

  constructor(broker: MillraceBroker, errors: string[]) {
    this.broker = broker;
    this.errors = errors;
  }

  static async open(dir: string): Promise<TmpfsBroker> {
    const errors: string[] = [];
    const broker = await startBroker({
      platform: createNodePlatform(),
      settings: parseSettings({}),
      directoryPath: dir,
      clusterId: null,
      logger: {
        debug() {},
        info() {},
        warn() {},
        error: (_fields, message) => errors.push(message),
      },
    });
    return new TmpfsBroker(broker, errors);
  }

  async createTopic(): Promise<void> {
    const created = await this.broker.operations.topics.create(context, {
      topics: [
        {
          name: at.topic,
          partitionCount: 1,
          replicationFactor: null,
          assignments: [],
          configs: [],
        },
      ],
      validateOnly: false,
    });
    expect(created.error).toBe(null);
  }

  /** Null, or the word of the refusal. */
  async send(value: string): Promise<string | null> {
    const records = batchOf([value], null, Date.now());
    const { results } = this.broker.operations.produce(context, {
      acks: -1,
      timeoutMs: 5_000,
      transactionalId: null,
      partitions: [{ ...at, records }],
    });
    return (await results)[0]?.error ?? null;
  }

  /** The first letters of every record. */
  async read(): Promise<string[]> {
    const values: string[] = [];
    for (;;) {
      const [result] = await this.broker.operations.fetch(context, {
        isolation: "read_uncommitted",
        waitMsMax: 0,
        sizeBytesMin: 1,
        sizeBytesMax: 1_000_000,
        partitions: [
          {
            ...at,
            offset: values.length,
            sizeBytesMax: 1_000_000,
            leaderEpoch: null,
          },
        ],
      });
      if (result === undefined || result.error !== null) {
        throw new Error(`${result?.error}`);
      }
      const bytes = Buffer.concat(
        result.payload.parts.flatMap((part) =>
          part instanceof Uint8Array ? [part] : [],
        ),
      );
      const found = valuesIn(new Uint8Array(bytes));
      result.payload.release();
      if (found.length === 0) return values;
      values.push(...found.map((value) => value.slice(0, value.indexOf(" "))));
    }
  }
}

/** Takes every byte that is left. */
function fillUp(path: string): void {
  for (let sizeBytes = 1024 * 1024; sizeBytes >= 1;) {
    try {
      appendFileSync(path, Buffer.alloc(sizeBytes));
    } catch {
      sizeBytes = Math.floor(sizeBytes / 2);
    }
  }
}

let mount: TemporaryDirectory;

beforeEach(async () => {
  mount = await createTemporaryDirectory();
  spawnSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", mount.path]);
});

afterEach(async () => {
  spawnSync("umount", ["-l", mount.path]);
  await mount.remove();
});

describe("a full file system", needs("tmpfs").options, () => {
  test("stops nobody: reads go on, a start succeeds, and room is used again", async () => {
    const filler = ` ${"x".repeat(50_000)}`;
    const ballast = `${mount.path}/ballast`;
    const dir = `${mount.path}/data`;
    const first = await TmpfsBroker.open(dir);
    await first.createTopic();
    const sent: string[] = [];
    while ((await first.send(`${sent.length}${filler}`)) === null) {
      sent.push(`${sent.length}`);
    }
    expect(sent.length).toBeGreaterThan(50);
    fillUp(ballast);
    expect(await first.send(`no${filler}`)).toBe("storage-offline");
    expect(await first.read()).toEqual(sent);
    await first.broker.close();
    expect(first.errors).toEqual([]);

    const second = await TmpfsBroker.open(dir);
    expect(await second.read()).toEqual(sent);
    expect(await second.send(`no${filler}`)).toBe("storage-offline");
    rmSync(ballast);
    await vi.waitFor(
      async () => expect(await second.send("later ")).toBe(null),
      { timeout: 10_000, interval: 50 },
    );
    sent.push("later");
    expect(await second.read()).toEqual(sent);
    await second.broker.close();

    const third = await TmpfsBroker.open(dir);
    expect(await third.read()).toEqual(sent);
    await third.broker.close();
  }, 60_000);
});
