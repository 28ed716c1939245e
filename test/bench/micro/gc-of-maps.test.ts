import { join } from "node:path";
import { expect, test } from "vitest";
import { gcOfMaps } from "../../../bench/micro/gc-of-maps.ts";
import { loadLibc } from "../../../broker/platform/node/libc.ts";
import { createTemporaryDirectory } from "../../support/temporary-directory.ts";

test("reads the same bytes mapped and plain", async () => {
  const directory = await createTemporaryDirectory();
  try {
    const parameters = {
      path: join(directory.path, "log"),
      fileSizeBytes: 1024 * 1024,
      totalSizeBytes: 4 * 1024 * 1024,
      fetchSizeBytes: 64 * 1024,
      heldCount: 3,
    };
    const plain = await gcOfMaps("plain", parameters);
    const mapped = await gcOfMaps("mapped", parameters);
    expect(plain.hash).toBe(935_507_704);
    expect(mapped.hash).toBe(plain.hash);
    expect(plain.mappedCount).toBe(0);
    expect(mapped.mappedCount).toBe(loadLibc().libc === null ? 0 : 64);
    expect(mapped.pauseMsTotal).toBeGreaterThanOrEqual(mapped.pauseMsLongest);
  } finally {
    await directory.remove();
  }
});
