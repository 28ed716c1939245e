/** The check is shown directories that hold something else than was written. */
import { expect, test } from "vitest";
import { checkDamaged } from "./directory-check.ts";
import type { Damaged } from "./directory-mutations.ts";
import { writeDirectory, type WrittenDirectory } from "./written-directory.ts";

const written = await writeDirectory({ isClean: true });

function undamaged(image: WrittenDirectory["image"]): Damaged {
  return { image, paths: new Set(), what: "nothing that anybody knows of" };
}

test("records that were never written are found", async () => {
  const other: WrittenDirectory = {
    ...written,
    partitions: written.partitions.map((partition) => ({
      ...partition,
      values: partition.values.map((value) => `not ${value}`),
    })),
  };
  await expect(checkDamaged(other, undamaged(other.image))).rejects.toThrow(
    "orders-0 serves orders-0 batch 0 record 0 at 0",
  );
});

test("records that are missing are found", async () => {
  const image = new Map(written.image);
  for (const path of image.keys()) {
    if (path.startsWith("/data/orders-1/")) image.delete(path);
  }
  await expect(checkDamaged(written, undamaged(image))).rejects.toThrow(
    "orders-1 lost 0",
  );
});

test("a directory that is refused for a partition's sake is found", async () => {
  const image = new Map(written.image);
  image.set("/data/meta.properties", new Uint8Array(0));
  await expect(checkDamaged(written, undamaged(image))).rejects.toThrow(
    "refused as a whole",
  );
});
