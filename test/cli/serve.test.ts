/** `millrace serve` as a process: where it listens, where it keeps its data, how it ends. */
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openBroker } from "../../broker/index.ts";
import { connect } from "../../client/index.ts";
import {
  createTemporaryDirectory,
  type TemporaryDirectory,
} from "../support/temporary-directory.ts";
import { jsonLines, run, start } from "./support.ts";

const TIMEOUT_MS = 60_000;

let directory: TemporaryDirectory;
let dir: string;

beforeEach(async () => {
  directory = await createTemporaryDirectory();
  dir = join(directory.path, "data");
});

afterEach(async () => {
  await directory.remove();
});

test(
  "serve tells where it is, keeps its data for its user alone, and stops cleanly on SIGTERM",
  { timeout: TIMEOUT_MS },
  async () => {
    const serving = start([
      "serve",
      "--port",
      "0",
      "--dir",
      dir,
      "--http",
      "0",
    ]);
    await serving.until(/listening on .*\n/);
    const [line] = jsonLines((await serving.until(/^.*listening.*$/m))[0]);
    expect(line).toMatchObject({ level: 30, dir });
    expect((await stat(dir)).mode & 0o777).toBe(0o700);

    const port = /127\.0\.0\.1:(\d+)/.exec(String(line?.["msg"]))?.[1];
    const client = await connect({ url: `millrace://127.0.0.1:${port}` });
    await client.admin.createTopic({ name: "orders" });
    await client.close();
    const ready = await fetch(`http://127.0.0.1:${line?.["httpPort"]}/ready`);
    expect(ready.status).toBe(200);

    const second = await run(["serve", "--port", "0", "--dir", dir]);
    expect(second.exitCode).toBe(1);
    expect(second.stderr).toMatch(/^millrace: [^\n]+\n$/);
    expect(second.stderr).toContain(`process ${serving.child.pid}`);

    // As where a terminal's signal is passed on by npm as well.
    serving.child.kill("SIGTERM");
    serving.child.kill("SIGINT");
    const ended = await serving.ended;
    expect(ended).toMatchObject({ exitCode: 0, stderr: "" });
    expect(ended.stdout).toContain('"msg":"stopped"');
    expect(await readdir(dir)).toContain(".kafka_cleanshutdown");
  },
);

test(
  "serve refuses a directory of a newer format, and says so on one line",
  { timeout: TIMEOUT_MS },
  async () => {
    await (await openBroker({ dir })).close();
    const path = join(dir, "millrace.properties");
    const text = await readFile(path, "utf8");
    await writeFile(path, text.replace(/\d+/, "99"));
    const ran = await run(["serve", "--port", "0", "--dir", dir]);
    expect(ran).toMatchObject({ exitCode: 1, stdout: "" });
    expect(ran.stderr).toMatch(/^millrace: [^\n]*format 99[^\n]*\n$/);
    expect(ran.stderr).toContain("newer");
  },
);

test(
  "serve tells what stands in the way of its port or its settings",
  { timeout: TIMEOUT_MS },
  async () => {
    const other = await openBroker({ listen: { port: 0, host: "127.0.0.1" } });
    const port = String(other.addresses[0]?.port);
    const taken = await run(["serve", "--memory", "--port", port]);
    await other.close();
    expect(taken.exitCode).toBe(1);
    expect(taken.stderr).toMatch(/^millrace: [^\n]*taken[^\n]*\n$/);

    const unknown = await run(["serve", "--memory", "--set", "nope=1"]);
    expect(unknown).toMatchObject({ exitCode: 2, stdout: "" });
    expect(unknown.stderr).toContain("nope");
    // Whoever looks for a name finds it there.
    expect(unknown.stderr).toContain("openFilesMax");

    const both = await run(["serve", "--memory", "--dir", dir]);
    expect(both).toMatchObject({ exitCode: 2, stdout: "" });
    expect(both.stderr).toContain("--memory and --dir do not go together");

    await writeFile(dir, "");
    const file = await run(["serve", "--port", "0", "--dir", dir]);
    expect(file).toMatchObject({ exitCode: 1, stdout: "" });
    expect(file.stderr).toBe(
      `millrace: cannot create the directory: ${dir} (EEXIST); see that the directory can be written, and what \`millrace verify\` says of it\n`,
    );
  },
);

test(
  "inspect tells what a path is that holds nothing to show",
  { timeout: TIMEOUT_MS },
  async () => {
    await (await openBroker({ dir })).close();
    const absent = await run(["inspect", join(dir, "00.log")]);
    expect(absent.exitCode).toBe(1);
    expect(absent.stderr).toContain("there is no file ");
    const directory = await run(["inspect", dir]);
    expect(directory.exitCode).toBe(1);
    expect(directory.stderr).toContain("is a directory");
    const point = await run([
      ...["inspect", join(dir, "recovery-point-offset-checkpoint"), "--json"],
    ]);
    expect(point.exitCode).toBe(0);
    expect(jsonLines(point.stdout)).toContainEqual(
      expect.objectContaining({ topic: "__cluster_metadata" }),
    );
  },
);

test(
  "inspect shows the batches of what a broker wrote, and fails on a changed byte",
  { timeout: TIMEOUT_MS },
  async () => {
    await using broker = await openBroker({ dir });
    const client = await connect({ broker });
    await client.admin.createTopic({ name: "orders" });
    await client.send(
      { name: "orders", key: asText, value: asText },
      { key: "k", value: "some value" },
    );
    await client.close();
    await broker.close();

    const path = join(dir, "orders-0", "00000000000000000000.log");
    const good = await run(["inspect", path, "--records", "--json"]);
    expect(good).toMatchObject({ exitCode: 0, stderr: "" });
    expect(jsonLines(good.stdout)).toMatchObject([
      { kind: "batch", position: 0, recordCount: 1, isGood: true },
      { kind: "record", offset: 0, key: "k", value: "some value" },
    ]);

    const bytes = await readFile(path);
    bytes[bytes.length - 3] = 0xff;
    await writeFile(path, bytes);
    const bad = await run(["inspect", path]);
    expect(bad.exitCode).toBe(1);
    expect(bad.stdout).toContain("BUT THE BYTES GIVE");
    expect(bad.stderr).toMatch(/^millrace: [^\n]+\n$/);
  },
);

const asText = { encode: (text: string) => new TextEncoder().encode(text) };
