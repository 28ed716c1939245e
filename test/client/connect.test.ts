import { createServer } from "node:net";
import { expect, test } from "vitest";
import { openBroker } from "../../broker/index.ts";
import { connect, topic } from "../../client/index.ts";

test.each([
  { url: "http://localhost:1" },
  { url: "millrace://" },
  { url: "millrace://host:70000" },
  { brokers: [] },
  { brokers: ["host:0"] },
  { brokers: ["a:b:c"] },
  { brokers: "host:9092" as never },
  {} as never,
  "host:9092" as never,
  undefined as never,
])("%j is refused before anything is opened", async (options) => {
  await expect(connect(options)).rejects.toMatchObject({
    code: "invalid-argument",
  });
});

/** A port on which nobody listens any more. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

test("a broker that is not there cannot be reached, over either protocol", async () => {
  const address = `127.0.0.1:${await closedPort()}`;
  for (const options of [
    { url: `millrace://${address}` },
    { brokers: [address] },
  ]) {
    await expect(connect(options)).rejects.toMatchObject({
      code: "broker-unreachable",
      message: expect.stringContaining(`${address} `),
    });
    await expect(connect(options)).rejects.toThrow("(ECONNREFUSED)");
  }
});

test("a peer that never answers is given up", async () => {
  const server = createServer(() => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  const options = { brokers: [`127.0.0.1:${port}`], timeoutMs: 50 };
  await expect(connect(options)).rejects.toMatchObject({ code: "timed-out" });
  const { signal } = new AbortController();
  const aborted = AbortSignal.any([signal, AbortSignal.abort()]);
  await expect(connect({ ...options, signal: aborted })).rejects.toMatchObject({
    code: "aborted",
  });
  server.close();
});

test("a client of a broker in this process sends and is closed", async () => {
  await using broker = await openBroker();
  const client = await connect({ broker });
  const sink = topic("t", { format: "text" });
  // The topic is created by asking for it.
  const sent = await client.send(sink, { key: null, value: "v" });
  expect(sent).toEqual({ topic: "t", partition: 0, offset: 0 });
  await client.close();
  await expect(
    client.send(sink, { key: null, value: "v" }),
  ).rejects.toMatchObject({ code: "closed" });
  expect(() => client.producer()).toThrow(/closed/);
});
