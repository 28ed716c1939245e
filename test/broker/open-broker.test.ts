import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openBroker } from "../../broker/index.ts";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";

test.each([
  ["./data" as never, "openBroker takes an object"],
  [null as never, "openBroker takes an object"],
  [{ dir: 5 as never }, "dir is a path"],
  [{ dir: "" }, "dir is a path"],
])("%j opens no broker, and says what does", async (options, said) => {
  await expect(openBroker(options)).rejects.toMatchObject({
    code: "invalid-option",
    message: expect.stringContaining(said),
  });
});

test.each(["a port that is taken", "a port that cannot be"])(
  "%s leaves no new directory behind",
  async (which) => {
    const directory = await createTemporaryDirectory();
    const other = await openBroker({ listen: { port: 0, host: "127.0.0.1" } });
    try {
      const taken = other.addresses[0]?.port ?? 0;
      const port = which === "a port that is taken" ? taken : 70_000;
      const dir = join(directory.path, "data");
      const listen = { port, host: "127.0.0.1" };
      await expect(openBroker({ dir, listen })).rejects.toMatchObject({
        code: port === taken ? "listen-failed" : "invalid-option",
      });
      expect(existsSync(dir)).toBe(false);
    } finally {
      await other.close();
      await directory.remove();
    }
  },
);

test("a directory in use is told before a port that is taken", async () => {
  const directory = await createTemporaryDirectory();
  const dir = join(directory.path, "data");
  const listen = { port: 0, host: "127.0.0.1" };
  const other = await openBroker({ dir, listen });
  try {
    const port = other.addresses[0]?.port ?? 0;
    await expect(
      openBroker({ dir, listen: { ...listen, port } }),
    ).rejects.toMatchObject({ code: "directory-in-use" });
  } finally {
    await other.close();
    await directory.remove();
  }
});
