/** `millrace verify` and `repair` on a real directory, as processes of their own. */
import { open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Broker, openBroker } from "../../broker/index.ts";
import { connect, topic } from "../../client/index.ts";
import {
  createTemporaryDirectory,
  type TemporaryDirectory,
} from "../support/temporary-directory.ts";
import { jsonLines, run } from "./support.ts";

const TIMEOUT_MS = 60_000;

let temporary: TemporaryDirectory;
let dir: string;

beforeEach(async () => {
  temporary = await createTemporaryDirectory();
  dir = join(temporary.path, "data");
});

afterEach(() => temporary.remove());

const orders = topic("orders", { format: "text" });

async function write(broker: Broker): Promise<void> {
  const client = await connect({ broker });
  await client.admin.createTopic({ name: "orders" });
  for (const value of ["first", "second", "third"]) {
    await client.send(orders, { key: "k", value });
  }
  await client.close();
}

const logPath = () => join(dir, "orders-0", "00000000000000000000.log");

test(
  "a good directory exits 0, one with a flipped bit 1 and says where",
  { timeout: TIMEOUT_MS },
  async () => {
    const broker = await openBroker({ dir });
    await write(broker);
    await broker.close();

    const good = await run(["verify", dir, "--records"]);
    expect(good).toMatchObject({ exitCode: 0, stdout: "" });
    expect(good.stderr).toMatch(
      /^2 partitions, .* a clean stop; nothing found\n$/,
    );

    const bytes = await readFile(logPath());
    bytes[bytes.length - 3] = 0xff;
    await writeFile(logPath(), bytes);
    const bad = await run(["verify", dir, "--json"]);
    expect(bad.exitCode).toBe(1);
    expect(jsonLines(bad.stdout)).toMatchObject([
      {
        kind: "finding",
        finding: "damaged-batch",
        severity: "damage",
        path: "orders-0/00000000000000000000.log",
        repair: expect.stringContaining("keep them aside"),
      },
      { finding: "missing-end", severity: "damage", path: "orders-0" },
      { kind: "summary", findings: { damage: 2, unfinished: 0, leftover: 0 } },
    ]);
    expect(bad.stderr).toMatch(/^millrace: [^\n]*2 damaged[^\n]*\n$/);
  },
);

test(
  "repair says what it would do, does it when told so, and the rest is served",
  { timeout: TIMEOUT_MS },
  async () => {
    const broker = await openBroker({ dir });
    await write(broker);
    await broker.close();
    const bytes = await readFile(logPath());
    // In the first of three batches of one size.
    bytes[70] = 0xff;
    await writeFile(logPath(), bytes);

    const planned = await run(["repair", dir]);
    expect(planned.exitCode).toBe(1);
    expect(planned.stdout).toMatch(
      /^to do: orders-0\/0{20}\.log, \d+ bytes: write the log without[^\n]*\n$/,
    );
    expect(planned.stderr).toBe(
      "millrace: 1 thing to do; add --yes to do it\n",
    );
    expect(await readFile(logPath())).toEqual(bytes);

    const done = await run(["repair", dir, "--yes", "--json"]);
    expect(done).toMatchObject({ exitCode: 0, stderr: "" });
    const [step, repaired] = jsonLines(done.stdout);
    expect(step).toMatchObject({ kind: "step", isDone: true });
    expect(repaired).toMatchObject({
      kind: "repaired",
      findings: { damage: 0, unfinished: 0, leftover: 0 },
    });
    expect(await readdir(String(repaired?.["keptIn"]))).toContain(
      "repair.jsonl",
    );
    const again = await run(["repair", dir, "--yes"]);
    expect(again).toMatchObject({ exitCode: 0, stdout: "" });
    expect(again.stderr).toBe("nothing to repair\n");

    await using reopened = await openBroker({ dir });
    const client = await connect({ broker: reopened });
    const values: string[] = [];
    for await (const record of client.messages(orders, {
      group: "g",
      from: "earliest",
    })) {
      values.push(`${record.offset}:${record.value}`);
      if (values.length === 2) break;
    }
    await client.close();
    expect(values).toEqual(["1:second", "2:third"]);
  },
);

test(
  "a directory in use, missing, or of something else exits 2 and is left alone",
  { timeout: TIMEOUT_MS },
  async () => {
    const broker = await openBroker({ dir });
    const used = await run(["verify", dir]);
    await broker.close();
    expect(used.exitCode).toBe(2);
    expect(used.stderr).toContain(`process ${process.pid} has`);

    const missing = await run(["verify", join(dir, "nothing")]);
    expect(missing).toMatchObject({ exitCode: 2, stdout: "" });

    const other = await run(["verify", temporary.path]);
    expect(other).toMatchObject({ exitCode: 2, stdout: "" });
    expect(other.stderr).toContain("no data directory");
    await rm(dir, { recursive: true });
    await expect(open(join(temporary.path, ".lock"))).rejects.toThrow("ENOENT");
  },
);
