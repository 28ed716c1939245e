/**
 * The lock that keeps a second process out of a data directory.
 *
 * With the C library at hand it is `flock`, which the kernel gives back
 * whatever way the process ends. Without, it is the file's own content, the
 * holder's process id and start time:
 *
 *   content := pid " " startTime "\n"     // empty after a release
 *
 * A holder is alive if a process of that id runs that was started then; so an
 * id that the system has given to another process does not lock for ever. Where
 * start times are not to be had, an id that runs is taken for the holder, except
 * this process's own: that is left over from an earlier life (in a container
 * every life is process 1). Each way writes the content and believes it, so the
 * two keep each other out as well.
 */
import * as fs from "node:fs";
import type { LockResult } from "../disk.ts";
import { loadLibc } from "./libc.ts";
import type { Libc } from "./libc.ts";

// `flock` and process ids both belong to the process, not to a broker in it.
const heldHere = new Set<string>();

/** `libc` null takes the lock by process id, as where koffi is missing. */
export function takeFileLock(
  path: string,
  libc: Libc | null = loadLibc().libc,
): LockResult {
  return libc === null
    ? oneAtATime(`${path}.taking`, () => take(path, null))
    : take(path, libc);
}

/**
 * Looking at the holder and becoming it are two steps, which without `flock`
 * two processes could take at once. So whoever takes them first creates this
 * file, which can succeed only once, and removes it after.
 */
function oneAtATime(claim: string, action: () => LockResult): LockResult {
  for (;;) {
    try {
      fs.writeFileSync(claim, ownContent(), { flag: "wx", mode: 0o600 });
      break;
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw error;
      const other = parseHolder(readIfThere(claim));
      if (other !== null && isAlive(other)) {
        return { error: "held", holderPid: other.pid };
      }
      fs.rmSync(claim, { force: true });
    }
  }
  try {
    return action();
  } finally {
    fs.rmSync(claim, { force: true });
  }
}

function take(path: string, libc: Libc | null): LockResult {
  const { O_RDWR, O_CREAT } = fs.constants;
  const fd = fs.openSync(path, O_RDWR | O_CREAT, 0o600);
  let isKept = false;
  try {
    const taken = takeOpened(path, fd, libc);
    isKept = taken.error === null;
    return taken;
  } finally {
    if (!isKept) fs.closeSync(fd);
  }
}

function takeOpened(path: string, fd: number, libc: Libc | null): LockResult {
  const key = inodeOf(fs.fstatSync(fd));
  if (heldHere.has(key)) return { error: "held", holderPid: process.pid };
  const isFree = libc === null || libc.flockExclusive(fd);
  const holder = parseHolder(readIfThere(path));
  if (!isFree || (holder !== null && isAlive(holder))) {
    return { error: "held", holderPid: holder?.pid ?? null };
  }
  fs.ftruncateSync(fd, 0);
  fs.writeSync(fd, ownContent(), 0);
  heldHere.add(key);
  let isReleased = false;
  return {
    error: null,
    lock: {
      release: async () => {
        if (isReleased) return;
        isReleased = true;
        heldHere.delete(key);
        // The file stays: removing it could take it from under the next holder.
        fs.ftruncateSync(fd, 0);
        fs.closeSync(fd);
      },
    },
  };
}

const PID_MAX = 2 ** 31 - 1;

interface Holder {
  readonly pid: number;
  readonly startTime: string | null;
}

function parseHolder(content: string): Holder | null {
  const match = /^(\d{1,10})(?: (\d+))?/.exec(content);
  const pid = Number(match?.[1] ?? 0);
  // 0 would mean this process's whole group to the system.
  if (match === null || pid < 1 || pid > PID_MAX) return null;
  return { pid, startTime: match[2] ?? null };
}

function isAlive(holder: Holder): boolean {
  // Held by this process it would have been found before.
  if (holder.pid === process.pid) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM would say that it runs, as somebody else.
    if (hasCode(error, "ESRCH")) return false;
    if (!hasCode(error, "EPERM")) throw error;
  }
  const startTime = startTimeOf(holder.pid);
  if (startTime === null || holder.startTime === null) return true;
  return startTime === holder.startTime;
}

/** In ticks since the machine booted: field 22 of Linux's stat file; null elsewhere. */
function startTimeOf(pid: number): string | null {
  const stat = readIfThere(`/proc/${pid}/stat`);
  if (stat === "") return null;
  // The second field is the program's name in parentheses, and may hold both
  // spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[22 - 3] ?? null;
}

function inodeOf(stat: fs.Stats): string {
  return `${stat.dev}:${stat.ino}`;
}

function ownContent(): string {
  return `${process.pid} ${startTimeOf(process.pid) ?? "?"}\n`;
}

/** Empty where there is no such file. */
function readIfThere(path: string): string {
  try {
    return fs.readFileSync(path, "utf8");
  } catch (error) {
    // ESRCH: a process that ended while its file was read.
    if (hasCode(error, "ENOENT") || hasCode(error, "ESRCH")) return "";
    throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
