/**
 * Directories of every release so far, opened by this build: everything that
 * was in them is still there. And directories of a build to come, refused.
 */
import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { BrokerError } from "../../broker/errors.ts";
import { buildBatch } from "../../broker/record/batch-builder.ts";
import {
  batchSizeBytesOf,
  lastOffsetOf,
  setBaseOffset,
} from "../../broker/record/batch.ts";
import { batchOf, produceBody } from "../broker/server/kafka/support.ts";
import { VerifyContext } from "../../broker/inspect/verify-context.ts";
import { verifyDirectory } from "../../broker/inspect/verify-directory.ts";
import {
  directoryPath,
  diskOf,
  firstMs,
  GoldenBroker,
  readTree,
  type Tree,
  treeOf,
} from "./golden-broker.ts";
import { type Listing, listingOf } from "./listing.ts";
import { writeHistory } from "./write-history.ts";

const releases = readdirSync(import.meta.dirname, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const variants = ["clean", "killed"] as const;

async function golden(release: string, variant: string) {
  const folder = path.join(import.meta.dirname, release, variant);
  const text = await readFile(path.join(folder, "listing.json"), "utf8");
  const listing: unknown = JSON.parse(text);
  return { tree: await readTree(path.join(folder, "directory")), listing };
}

/** Long after all that was written, with other ids than the writers gave. */
function open(
  disk: Awaited<ReturnType<typeof diskOf>>,
  seed = 9,
): Promise<GoldenBroker> {
  return GoldenBroker.open(disk, seed, firstMs + 2_000_000);
}

async function listingIn(broker: GoldenBroker): Promise<unknown> {
  const listing: Listing = await listingOf(broker.connection);
  // As the file has it: what JSON does not know is not there.
  return JSON.parse(JSON.stringify(listing));
}

describe.each(releases)("release %s", (release) => {
  test.each(variants)("%s: all that was written is read", async (variant) => {
    const { tree, listing } = await golden(release, variant);
    expect(tree.size).toBeGreaterThan(50);
    const broker = await open(await diskOf(tree));
    expect(await listingIn(broker)).toEqual(listing);
    await broker.close();
    const torn = broker.warnings.filter((one) => /recovered/.test(one));
    expect(broker.warnings).toEqual(torn);
    expect(torn.length > 0).toBe(variant === "killed");
  });

  test.each(variants)(
    "%s: the same in another boot, where nothing is believed",
    async (variant) => {
      const { tree, listing } = await golden(release, variant);
      const broker = await open(await diskOf(tree, "another"));
      expect(await listingIn(broker)).toEqual(listing);
      await broker.close();
    },
  );

  test.each(variants)("%s: verifies, every record of it", async (variant) => {
    const { tree } = await golden(release, variant);
    const found: string[] = [];
    const context = new VerifyContext(
      await diskOf(tree),
      directoryPath,
      { records: true },
      {
        finding: ({ severity, kind, path: file }) =>
          void found.push(`${severity} ${kind} ${path.posix.dirname(file)}`),
        progress: () => {},
      },
    );
    const { summary } = await verifyDirectory(context);
    expect(summary.isClean).toBe(variant === "clean");
    expect(summary.recordCount).toBeGreaterThan(100);
    const torn = ["__consumer_offsets-0", "segments-0"];
    expect(found).toEqual(
      summary.isClean ? [] : torn.map((one) => `unfinished torn-tail ${one}`),
    );
  });

  test.each(variants)("%s: goes on being written", async (variant) => {
    const { tree } = await golden(release, variant);
    const disk = await diskOf(tree);
    const before = await open(disk);
    const grown = ["codecs", "segments", "deleted", "grown"];
    for (const topic of grown) {
      const { responses } = await before.connection.request(
        0,
        9,
        produceBody(topic, batchOf(["of this build"])),
      );
      expect(responses[0]?.partitionResponses[0]?.errorCode).toBe(0);
    }
    const listing = await listingIn(before);
    await before.close();
    const after = await open(disk, 10);
    expect(await listingIn(after)).toEqual(listing);
    expect(after.warnings).toEqual([]);
    await after.close();
  });
});

describe("what is newer than this build is refused in one line, and left alone", () => {
  async function refusalOf(tree: Tree): Promise<BrokerError> {
    const disk = await diskOf(tree);
    const refusal: unknown = await open(disk).then(
      () => null,
      (error: unknown) => error,
    );
    expect(refusal).toBeInstanceOf(BrokerError);
    const left = new Map(await treeOf(disk));
    left.delete(".lock");
    expect([...left.keys()].sort()).toEqual([...tree.keys()].sort());
    for (const [name, bytes] of tree) {
      expect([name, left.get(name)]).toEqual([name, new Uint8Array(bytes)]);
    }
    if (!(refusal instanceof BrokerError)) throw new Error("not refused");
    expect(refusal.message).not.toContain("\n");
    return refusal;
  }

  async function changed(name: string, change: (before: Uint8Array) => Buffer) {
    const { tree } = await golden(releases[0] ?? "", "clean");
    const before = tree.get(name) ?? new Uint8Array();
    return new Map([...tree, [name, change(before)]]);
  }

  test("a format of ours", async () => {
    const tree = await changed("millrace.properties", () =>
      Buffer.from("format.version=2\n"),
    );
    const refusal = await refusalOf(tree);
    expect(refusal.code).toBe("directory-too-new");
    expect(refusal.message).toContain(
      "millrace.properties: written in format 2; this Millrace knows formats up to 1",
    );
  });

  test("a meta.properties of Kafka's", async () => {
    const tree = await changed("meta.properties", (before) =>
      Buffer.from(
        Buffer.from(before).toString().replace("version=1", "version=2"),
      ),
    );
    const refusal = await refusalOf(tree);
    expect(refusal.code).toBe("directory-too-new");
    expect(refusal.message).toContain(
      "meta.properties of version 2; this Millrace knows versions up to 1",
    );
  });

  test("a record of the catalog", async () => {
    const log = "__cluster_metadata-0/00000000000000000000.log";
    const tree = await changed(log, (before) => {
      // A TopicRecord (2) in frame version 1, of version 9.
      const value = Buffer.from([1, 2, 9, 0]);
      const record = { key: null, value, headers: [], timestampMs: firstMs };
      const batch = new Uint8Array(buildBatch([record]));
      setBaseOffset(batch, 0, endOffsetOf(before));
      return Buffer.concat([before, batch]);
    });
    tree.delete(".kafka_cleanshutdown");
    const disk = await diskOf(tree);
    await expect(open(disk)).rejects.toThrow(/version 9/);
  });
});

/** Behind the last batch of a log. */
function endOffsetOf(log: Uint8Array): number {
  let endOffset = 0;
  for (let at = 0; at < log.length; at += batchSizeBytesOf(log, at)) {
    endOffset = lastOffsetOf(log, at) + 1;
  }
  return endOffset;
}

test("the history that the directories tell of is written the same each time", async () => {
  const [first, second] = [await writeHistory(), await writeHistory()];
  for (const variant of variants) {
    expect(second[variant]).toEqual(first[variant]);
  }
});
