/**
 * How many descriptors this process may have open: files and sockets count
 * alike. Node raises the soft limit to the hard one when it starts, so what is
 * read here stays.
 */
import { readFileSync } from "node:fs";

/** Linux only; elsewhere asking takes too long, and null says that nobody knows. */
const LIMITS_PATH = "/proc/self/limits";

export function readDescriptorsMax(): number | null {
  let text: string;
  try {
    text = readFileSync(LIMITS_PATH, "utf8");
  } catch {
    return null;
  }
  const soft = /^Max open files\s+(\d+)/m.exec(text)?.[1];
  return soft === undefined ? null : Number(soft);
}
