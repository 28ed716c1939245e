import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { loadLibc } from "../../../../broker/platform/node/libc.ts";
import { createTemporaryDirectory } from "../../../support/temporary-directory.ts";

interface Ending {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly output: string;
}

const child = fileURLToPath(new URL("hazards.child.ts", import.meta.url));

function run(command: string, args: readonly string[]): Promise<Ending> {
  return new Promise((resolve, reject) => {
    const running = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    running.stdout.on("data", (chunk) => (output += String(chunk)));
    running.stderr.on("data", (chunk) => (output += String(chunk)));
    running.on("error", reject);
    running.on("close", (exitCode, signal) =>
      resolve({ exitCode, signal, output }),
    );
  });
}

async function runScenario(
  scenario: string,
  way: string,
  wrap = (args: readonly string[]): readonly string[] => args,
): Promise<Ending> {
  const directory = await createTemporaryDirectory();
  try {
    const [command, ...args] = wrap([
      process.execPath,
      child,
      scenario,
      way,
      directory.path,
    ]);
    return await run(command ?? "", args);
  } finally {
    await directory.remove();
  }
}

const survived: Ending = { exitCode: 0, signal: null, output: "" };

/** The command in a shell that first sets something up; the arguments are "$@". */
function inShell(setUp: string): (args: readonly string[]) => string[] {
  return (args) => ["sh", "-c", `${setUp} && exec "$@"`, "sh", ...args];
}

const hasMaps = loadLibc().libc !== null;
const hasResidency = hasMaps && process.platform === "linux";

describe("a process with files and maps", () => {
  test.runIf(hasResidency)(
    "would be killed by touching a page of a truncated file",
    async () => {
      const ending = await runScenario("touchTruncated", "koffi");
      expect(ending).toMatchObject({ exitCode: null, signal: "SIGBUS" });
    },
  );

  test.for(hasMaps ? ["koffi", "plain"] : ["plain"])(
    "learns of a truncated file without touching it (%s)",
    async (way) => {
      expect(await runScenario("warmTruncated", way)).toEqual(survived);
    },
  );

  test.runIf(hasMaps)(
    "loses the connection, not its life, when it sends from a truncated file",
    async () => {
      expect(await runScenario("sendTruncated", "koffi")).toEqual(survived);
    },
  );

  test.runIf(hasMaps)("finds a window empty after its release", async () => {
    expect(await runScenario("useReleased", "koffi")).toEqual(survived);
  });

  test.runIf(hasMaps)(
    "keeps a window until the socket has sent it, whatever happens to the file",
    async () => {
      expect(await runScenario("sendWhileReleased", "koffi")).toEqual(survived);
    },
  );

  test.runIf(hasMaps)(
    "unmaps what it was sending when the connection is destroyed",
    async () => {
      expect(await runScenario("destroyWhileSending", "koffi")).toEqual(
        survived,
      );
    },
  );

  test.for(hasMaps ? ["koffi", "plain"] : ["plain"])(
    "does not cut a file below a window in use (%s)",
    async (way) => {
      expect(await runScenario("cutBelowWindow", way)).toEqual(survived);
    },
  );

  test.for(hasMaps ? ["koffi", "plain"] : ["plain"])(
    "survives a full disk (%s)",
    async (way, context) => {
      // A mount that only the child sees, and that goes away with it.
      const unshare = ["unshare", "--mount", "--map-root-user", "--user"];
      const probe = inShell("mount -t tmpfs -o size=1m none /mnt");
      const mounted = await run("unshare", [
        ...unshare.slice(1),
        ...probe(["true"]),
      ]).catch((error: unknown) => ({ exitCode: null, output: String(error) }));
      if (mounted.exitCode !== 0) {
        context.skip(`no small file system to fill: ${mounted.output.trim()}`);
      }
      const ending = await runScenario("fillDisk", way, (args) => [
        ...unshare,
        ...inShell('mount -t tmpfs -o size=1m none "$5"')(args),
      ]);
      expect(ending).toEqual(survived);
    },
  );

  test("reads and locks without koffi where it is missing", async () => {
    expect(await runScenario("goWithoutKoffi", "koffi")).toEqual(survived);
  });

  test.skipIf(process.platform === "win32").for([
    ["opens a file", "openWithoutDescriptors"],
    ["is connected to", "acceptWithoutDescriptors"],
  ] as const)(
    "goes on after it %s when it is out of descriptors",
    async ([, scenario]) => {
      const way = hasMaps ? "koffi" : "plain";
      const ending = await runScenario(scenario, way, inShell("ulimit -n 64"));
      expect(ending).toEqual(survived);
    },
  );
});
