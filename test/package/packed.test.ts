/**
 * The packed package on the oldest Node it promises and on the one the
 * repository carries. Asks the registry for its dependencies, so it is not
 * part of `npm test`.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { apiVersions } from "../support/api-versions.ts";
import {
  carriedNode,
  installMillrace,
  installNode,
  packMillrace,
  run,
  type Installed,
  type Workshop,
} from "./installed-package.ts";

const root = join(import.meta.dirname, "..", "..");
const { version, engines } = JSON.parse(
  readFileSync(join(root, "package.json"), "utf8"),
);
/** `>=22.22` means from its first patch on. */
const oldestNode = `${engines.node.replace(">=", "")}.0`;

let workshop: Workshop;
beforeAll(async () => {
  workshop = await packMillrace();
});
afterAll(() => workshop?.remove());

describe.each([
  { name: "oldest", want: oldestNode },
  { name: "carried", want: process.versions.node },
])("on Node $want", ({ name, want }) => {
  let installed: Installed;

  beforeAll(async () => {
    const node =
      name === "carried" ? carriedNode : await installNode(workshop, want);
    installed = await installMillrace(workshop, node, `on-${name}`);
  });

  test("it is that Node which runs", async () => {
    const { stdout } = await run("node", ["--version"], {
      cwd: installed.folder,
      env: installed.env,
    });
    expect(stdout.trim()).toBe(`v${want}`);
  });

  test("npx millrace says its version and how to use it", async () => {
    const at = { cwd: installed.folder, env: installed.env };
    expect(await run("npx", ["millrace", "--version"], at)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(version),
    });
    const help = await run("npx", ["millrace", "--help"], at);
    expect(help.code).toBe(0);
    expect(help.stdout).toContain("serve");
  });

  test("millrace serve answers where it says, and stops cleanly", async () => {
    const child = spawn(
      installed.command,
      ["serve", "--port", "0", "--dir", "./data"],
      {
        cwd: installed.folder,
        env: installed.env,
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    let output = "";
    const ended = once(child, "exit");
    try {
      const port = await new Promise<number>((resolve, reject) => {
        const look = (chunk: Buffer) => {
          output += chunk.toString();
          const found = /127\.0\.0\.1:(\d+)/.exec(output);
          if (found) resolve(Number(found[1]));
        };
        child.stdout.on("data", look);
        child.stderr.on("data", look);
        child.once("error", reject);
        child.once("exit", (code) =>
          reject(new Error(`ended with ${String(code)}: ${output}`)),
        );
      });
      expect((await apiVersions(port)).readInt16BE(0)).toBe(0);
      expect(statSync(join(installed.folder, "data")).mode & 0o777).toBe(0o700);
    } finally {
      child.kill("SIGTERM");
    }
    expect(await ended, output).toEqual([0, null]);
  });

  test("a program embeds it: a record goes in and comes out", async () => {
    copyFileSync(
      join(import.meta.dirname, "embed.mjs"),
      join(installed.folder, "embed.mjs"),
    );
    const outcome = await run("node", ["embed.mjs"], {
      cwd: installed.folder,
      env: installed.env,
    });
    expect(outcome).toEqual({ code: 0, stdout: "a: hello at 0\n", stderr: "" });
  });

  test("a program type-checks against its declarations", async () => {
    writeFileSync(
      join(installed.folder, "consumer.mts"),
      [
        'import { openBroker } from "millrace";',
        'import { connect, topic } from "millrace/client";',
        "const broker = await openBroker();",
        "const client = await connect({ broker });",
        'const sent = await client.send(topic("t", { format: "text" }), { key: "k", value: "v" });',
        "export const offset: number = sent.offset;",
        "// @ts-expect-error An offset is a number: the declarations are really there.",
        "export const wrong: string = sent.offset;",
        "await broker.close();",
      ].join("\n"),
    );
    const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
    const outcome = await run(
      carriedNode,
      [
        tsc,
        "--noEmit",
        "--strict",
        "--skipLibCheck",
        "--module",
        "nodenext",
        "--target",
        "es2023",
        "--lib",
        "es2023,esnext.disposable",
        "--types",
        "node",
        "--typeRoots",
        join(root, "node_modules", "@types"),
        "consumer.mts",
      ],
      { cwd: installed.folder, env: installed.env },
    );
    expect(outcome).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  test("on a Node that is too old, command and import say so in one line", async () => {
    // `process.versions` is replaced before anything of the package loads.
    const old =
      'data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.20.0"}})';
    const expected = {
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(
        /^millrace needs Node 22\.22 or newer; .*\n$/,
      ),
    };
    const at = { cwd: installed.folder, env: installed.env };
    expect(
      await run("node", ["--import", old, installed.command, "--version"], at),
    ).toEqual(expected);
    for (const entry of ["millrace", "millrace/client", "millrace/pipeline"])
      expect(
        await run(
          "node",
          [
            "--import",
            old,
            "--input-type=module",
            "--eval",
            `import "${entry}";`,
          ],
          at,
        ),
      ).toEqual(expected);
  });
});

test("on a real old Node, where this machine has one, the command says so in one line", async (context) => {
  const found = (process.env["PATH"] ?? "")
    .split(":")
    .filter((one) => !one.includes("node_modules"));
  for (const folder of found) {
    const node = join(folder, "node");
    const outcome = await run(node, ["--version"], { cwd: root }).catch(
      () => null,
    );
    const major = Number(/^v(\d+)/.exec(outcome?.stdout ?? "")?.[1] ?? 99);
    if (major >= 22) continue;
    const old = await installMillrace(workshop, node, "on-old");
    const said = await run(node, [old.command, "--version"], {
      cwd: old.folder,
    });
    expect(said).toEqual({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(
        /^millrace needs Node 22\.22 or newer; .*\n$/,
      ),
    });
    return;
  }
  context.skip("no Node older than 22 on the PATH");
});
