/** What `verify` has to say, records and all. */
import { verify } from "../../broker/inspect/index.ts";

export async function findingsIn(directory: string): Promise<string[]> {
  const found: string[] = [];
  await verify(
    directory,
    { records: true },
    {
      finding: ({ kind, path, detail }) =>
        void found.push(`${kind} ${path}: ${detail}`),
      progress: () => {},
    },
  );
  return found;
}
