/** `millrace verify` on a real directory, as a process of its own. */
import { open, readFile, rm, writeFile } from "node:fs/promises";
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
      { finding: "wrong-snapshot", severity: "unfinished" },
      { kind: "summary", findings: { damage: 1, unfinished: 1, leftover: 0 } },
    ]);
    expect(bad.stderr).toMatch(/^millrace: [^\n]*1 damaged[^\n]*\n$/);
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
