/**
 * The lock that keeps a second process out of a data directory.
 *
 * With the C library at hand it is `flock`, which the kernel gives back
 * whatever way the process ends. Without, it is the file's own content, the
 * holder's process id and start time, and the number of the file itself:
 *
 *   content := pid " " startTime " " inode "\n"     // empty after a release
 *
 * A holder is alive if a process of that id runs that was started then; so an
 * id that the system has given to another process does not lock for ever. Where
 * start times are not to be had, an id that runs is taken for the holder, except
 * this process's own: that is left over from an earlier life (in a container
 * every life is process 1). A process that has ended and that its parent has not
 * asked about yet holds nothing. Another file's number says that the directory
 * is a copy of one in use. Each way writes the content and believes it, so the
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
      fs.writeFileSync(claim, `${ownIdentity()}\n`, {
        flag: "wx",
        mode: 0o600,
      });
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
  const stat = fs.fstatSync(fd);
  const key = `${stat.dev}:${stat.ino}`;
  if (heldHere.has(key)) return { error: "held", holderPid: process.pid };
  const isFree = libc === null || libc.flockExclusive(fd);
  const holder = parseHolder(readIfThere(path));
  const isOfThisFile =
    holder !== null &&
    (holder.inode === null || holder.inode === `${stat.ino}`);
  if (!isFree || (isOfThisFile && isAlive(holder))) {
    return { error: "held", holderPid: isOfThisFile ? holder.pid : null };
  }
  fs.ftruncateSync(fd, 0);
  fs.writeSync(fd, `${ownIdentity()} ${stat.ino}\n`, 0);
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
  /** Of the lock file it was written to; null where a release before wrote it. */
  readonly inode: string | null;
}

function parseHolder(content: string): Holder | null {
  const match = /^(\d{1,10})(?: (?:(\d+)|\?))?(?: (\d+))?/.exec(content);
  const pid = Number(match?.[1] ?? 0);
  // 0 would mean this process's whole group to the system.
  if (match === null || pid < 1 || pid > PID_MAX) return null;
  return { pid, startTime: match[2] ?? null, inode: match[3] ?? null };
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
  const stat = processStatOf(holder.pid);
  if (stat === null) return true;
  if (holder.startTime !== null && stat.startTime !== holder.startTime) {
    return false;
  }
  return !stat.hasEnded;
}

interface ProcessStat {
  /** In ticks since the machine booted. */
  readonly startTime: string;
  /** Only its exit code is left, for its parent to take. */
  readonly hasEnded: boolean;
}

/** Of Linux's stat file: fields 3, 20 and 22; null elsewhere. */
function processStatOf(pid: number): ProcessStat | null {
  const stat = readIfThere(`/proc/${pid}/stat`);
  // The second field is the program's name in parentheses, and may hold both
  // spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const startTime = fields[22 - 3];
  if (startTime === undefined) return null;
  // A first thread that has ended before others is a zombie that still runs.
  const hasEnded =
    /^[ZX]$/.test(fields[0] ?? "") && Number(fields[20 - 3]) <= 1;
  return { startTime, hasEnded };
}

function ownIdentity(): string {
  return `${process.pid} ${processStatOf(process.pid)?.startTime ?? "?"}`;
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
