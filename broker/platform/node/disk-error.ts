/** From what Node throws to the error that the broker knows. */
import { DiskError } from "../disk.ts";

/** Keeps the system's code. What has no code (a misuse, a bug) is handed on unchanged as the cause of an `EIO`. */
export function diskErrorOf(
  error: unknown,
  path: string,
  detail: string,
): DiskError {
  if (error instanceof DiskError) return error;
  const code =
    error instanceof Error && "code" in error && typeof error.code === "string"
      ? error.code
      : "EIO";
  return new DiskError(code, path, detail, error);
}
