import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import {
  copyFileSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { LockResult } from "../../../../broker/platform/disk.ts";
import { takeFileLock } from "../../../../broker/platform/node/file-lock.ts";
import { loadLibc } from "../../../../broker/platform/node/libc.ts";
import { createTemporaryDirectory } from "../../../support/temporary-directory.ts";
import type { TemporaryDirectory } from "../../../support/temporary-directory.ts";

const child = fileURLToPath(new URL("file-lock.child.ts", import.meta.url));
const { libc } = loadLibc();
const ways = libc === null ? (["pid"] as const) : (["flock", "pid"] as const);

let directory: TemporaryDirectory;
let path: string;
beforeEach(async () => {
  directory = await createTemporaryDirectory();
  path = `${directory.path}/.lock`;
});
afterEach(() => directory.remove());

function take(way: "flock" | "pid"): LockResult {
  return takeFileLock(path, way === "pid" ? null : libc);
}

async function release(result: LockResult): Promise<void> {
  expect(result.error).toBe(null);
  if (result.error === null) await result.lock.release();
}

/** Resolves when the child has the lock. */
async function startHolder(
  way: "flock" | "pid",
  file = path,
): Promise<ChildProcess> {
  const holder = spawn(process.execPath, [child, file, way], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const answer = await new Promise<string>((resolve) =>
    holder.stdout.once("data", (chunk) => resolve(String(chunk))),
  );
  expect(answer).toBe("null\n");
  return holder;
}

async function kill(holder: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => holder.once("close", resolve));
  holder.kill("SIGKILL");
  await ended;
}

describe.for(ways)("a lock by %s", (way) => {
  test.for(ways)(
    "keeps out another process that locks by %s",
    async (other) => {
      const holder = await startHolder(other);
      try {
        expect(take(way)).toEqual({ error: "held", holderPid: holder.pid });
      } finally {
        await kill(holder);
      }
    },
  );

  test.for(ways)("is free when its holder by %s was killed", async (other) => {
    const holder = await startHolder(other);
    await kill(holder);
    expect(readFileSync(path, "utf8")).toContain(String(holder.pid));
    await release(take(way));
  });

  test("keeps out a second holder in the same process", async () => {
    const first = take(way);
    expect(take(way)).toEqual({ error: "held", holderPid: process.pid });
    await release(first);
    await release(take(way));
  });

  test("takes its own process id from an earlier life for nobody", async () => {
    writeFileSync(path, `${process.pid} 1\n`);
    await release(take(way));
  });

  test("takes what is no process id, and no process, for nobody", async () => {
    for (const content of [
      "",
      "garbage",
      "0 1\n",
      "4000000000 7\n",
      "-5 1\n",
    ]) {
      writeFileSync(path, content);
      await release(take(way));
    }
  });

  test.runIf(process.platform === "linux")(
    "takes an id that another process was given since for nobody",
    async () => {
      writeFileSync(path, `${process.ppid} 1\n`);
      await release(take(way));
    },
  );

  test("takes the holder of a file that this one was copied from for nobody", async () => {
    const original = `${directory.path}/original`;
    const holder = await startHolder(way, original);
    try {
      copyFileSync(original, path);
      await release(take(way));
    } finally {
      await kill(holder);
    }
  });

  test("believes a release before, which did not write the file's number", () => {
    const startTime = /\d+ \((?:.*)\) (?:\S+ ){19}(\d+)/s.exec(
      process.platform === "linux"
        ? readFileSync(`/proc/${process.ppid}/stat`, "utf8")
        : "",
    )?.[1];
    writeFileSync(path, `${process.ppid} ${startTime ?? "?"}\n`);
    expect(take(way)).toEqual({ error: "held", holderPid: process.ppid });
  });

  test.runIf(process.platform === "linux")(
    "takes a holder that has ended, and whose parent has not noticed, for nobody",
    async () => {
      // The second `sleep` takes the shell's place, and never asks about the first.
      const parent = spawn("sh", ["-c", "sleep 60 & echo $!; exec sleep 60"], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      try {
        const pid = await new Promise<string>((resolve) =>
          parent.stdout.once("data", (chunk) => resolve(String(chunk).trim())),
        );
        await expect
          .poll(() => readFileSync(`/proc/${parent.pid}/comm`, "utf8"))
          .toBe("sleep\n");
        process.kill(Number(pid), "SIGKILL");
        await expect
          .poll(() => readFileSync(`/proc/${pid}/stat`, "utf8"))
          .toContain(") Z ");
        writeFileSync(path, `${pid} ?\n`);
        await release(take(way));
      } finally {
        await kill(parent);
      }
    },
  );

  test("leaves one file behind, which names nobody", async () => {
    const taken = take(way);
    expect(readFileSync(path, "utf8")).toMatch(
      new RegExp(`^${process.pid} (\\d+|\\?) ${statSync(path).ino}\n$`),
    );
    await release(taken);
    expect(readFileSync(path, "utf8")).toBe("");
    expect(readdirSync(directory.path)).toEqual([".lock"]);
  });
});

test("a lock by pid is taken over from a process that was killed while it took it", async () => {
  writeFileSync(`${path}.taking`, "2147483647 7\n");
  await release(take("pid"));
});

test("a lock by pid waits for nobody who is just taking it", () => {
  writeFileSync(`${path}.taking`, `${process.ppid}\n`);
  expect(take("pid")).toEqual({ error: "held", holderPid: process.ppid });
});
