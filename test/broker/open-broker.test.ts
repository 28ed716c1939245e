import { expect, test } from "vitest";
import { openBroker } from "../../broker/index.ts";

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
