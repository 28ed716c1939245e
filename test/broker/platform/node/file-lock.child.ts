/** Takes a lock, says how that went, and stays until it is killed. */
import { takeFileLock } from "../../../../broker/platform/node/file-lock.ts";
import { loadLibc } from "../../../../broker/platform/node/libc.ts";

const [path = "", way] = process.argv.slice(2);
const { libc } = loadLibc();
const taken = takeFileLock(path, way === "pid" ? null : libc);
process.stdout.write(`${JSON.stringify(taken.error)}\n`);
setInterval(() => {}, 60_000);
