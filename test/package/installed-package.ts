/**
 * Millrace as a user gets it: built, packed, and installed from the tarball in
 * an empty folder, to be run by a Node of a given version.
 */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";

const root = join(import.meta.dirname, "..", "..");
/** No lifecycle scripts, no questions, no audit: what is installed must work as it is unpacked. */
const installFlags = [
  "--ignore-scripts",
  "--omit=dev",
  "--no-audit",
  "--no-fund",
  "--no-update-notifier",
];

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, with no standard input; a failure is an outcome like any other. */
export async function run(
  file: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Promise<Outcome> {
  const running = promisify(execFile)(file, args, {
    maxBuffer: 64 << 20,
    timeout: 300_000,
    ...options,
  });
  running.child.stdin?.end();
  try {
    const { stdout, stderr } = await running;
    return { code: 0, stdout, stderr };
  } catch (error) {
    if (
      !(error instanceof Error) ||
      !("stdout" in error) ||
      !("stderr" in error)
    )
      throw error;
    const code =
      "code" in error && typeof error.code === "number" ? error.code : -1;
    return { code, stdout: String(error.stdout), stderr: String(error.stderr) };
  }
}

async function runOrThrow(
  ...[file, args, options]: Parameters<typeof run>
): Promise<Outcome> {
  const outcome = await run(file, args, options);
  if (outcome.code !== 0)
    throw new Error(
      `${file} ${args.join(" ")} ended with ${outcome.code}:\n${outcome.stdout}${outcome.stderr}`,
    );
  return outcome;
}

export interface Workshop {
  readonly folder: string;
  readonly tarball: string;
  remove(): void;
}

/** Builds and packs into a temporary folder. */
export async function packMillrace(): Promise<Workshop> {
  const folder = mkdtempSync(join(tmpdir(), "millrace-package-"));
  // Packing builds: a tarball without `dist/` would hold a README.
  await runOrThrow("npm", ["pack", "--pack-destination", folder], {
    cwd: root,
  });
  const name = readdirSync(folder).find((one) => one.endsWith(".tgz"));
  if (name === undefined) throw new Error("npm pack left no tarball");
  return {
    folder,
    tarball: join(folder, name),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** The Node that runs this. */
export const carriedNode = process.execPath;

/**
 * Another Node, from the package that the `node` package itself picks for this
 * platform: it holds the program and needs no script to install.
 */
export async function installNode(
  workshop: Workshop,
  version: string,
): Promise<string> {
  const folder = join(workshop.folder, `node-${version}`);
  const name = `node-${process.platform}-${process.arch}`;
  mkdirSync(folder);
  await runOrThrow(
    "npm",
    ["install", ...installFlags, "--prefix", folder, `${name}@${version}`],
    { cwd: folder },
  );
  return join(folder, "node_modules", name, "bin", "node");
}

/** The tarball in an empty folder, with a Node's own folder first on the PATH. */
export interface Installed {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly node: string;
  /** Where npm links the command. */
  readonly command: string;
}

export async function installMillrace(
  workshop: Workshop,
  node: string,
  name: string,
): Promise<Installed> {
  const folder = join(workshop.folder, name);
  mkdirSync(folder);
  const env = cleanEnvironment(node);
  await runOrThrow("npm", ["install", ...installFlags, workshop.tarball], {
    cwd: folder,
    env,
  });
  return {
    folder,
    env,
    node,
    command: join(folder, "node_modules", ".bin", "millrace"),
  };
}

/**
 * Without what the test runner and `npm run` tell their children, and without
 * this repository's programs. How npm reaches its registry stays.
 */
function cleanEnvironment(node: string): NodeJS.ProcessEnv {
  const told =
    /^(?:npm_(?!config_)|VITEST|TEST|INIT_CWD|NODE_(?:ENV|OPTIONS|PATH)$)/;
  const env: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(process.env))
    if (!told.test(name)) env[name] = value;
  const others = (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((one) => !one.includes("node_modules"));
  env["PATH"] = [dirname(node), ...others].join(delimiter);
  return env;
}
