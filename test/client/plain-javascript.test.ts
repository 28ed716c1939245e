/** What TypeScript would not let through is refused where it is handed in, with words for whoever wrote it. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Broker, openBroker } from "../../broker/index.ts";
import { type Client, connect, topic } from "../../client/index.ts";

describe("topic", () => {
  test.each([undefined, "", 5])("needs a name, and %j is none", (name) => {
    expect(() => topic(name as never)).toThrow("a topic needs a name");
  });

  test.each(["a b", "ä", "..", "x".repeat(250)])(
    "has no name that no broker takes: %j",
    (name) => {
      expect(() => topic(name)).toThrow(
        expect.objectContaining({ code: "invalid-argument" }),
      );
    },
  );

  test("does not take a format it does not know for bytes", () => {
    expect(() => topic("t", { format: "json" as never })).toThrow(
      'the format "json" is neither "text" nor "bytes"',
    );
  });
});

describe("a client", () => {
  const text = topic("text", { format: "text" });
  const bytes = topic("bytes");
  let broker: Broker;
  let client: Client;

  beforeEach(async () => {
    broker = await openBroker();
    client = await connect({ broker });
  });
  afterEach(async () => {
    await client.close();
    await broker.close();
  });

  test.each([
    [text, { key: null, value: { a: 1 } }, "takes strings and null"],
    [text, {}, "takes strings and null"],
    [bytes, { value: "v" }, "neither bytes nor null but string"],
    [bytes, { value: null, key: 7 }, "neither bytes nor null but number"],
    [bytes, { value: null, headers: { a: 7 } }, "the header a is neither"],
    [
      bytes,
      { value: null, headers: [{ name: "b", value: "v" }] },
      "the header b is neither",
    ],
  ])("refuses a record that is no bytes: %#", async (to, record, said) => {
    await expect(
      client.send(to as never, record as never),
    ).rejects.toMatchObject({
      code: "encode-failed",
      message: expect.stringContaining(said),
    });
    // The ones that come with it are not taken along.
    const good = client.send(bytes, { key: null, value: new Uint8Array(1) });
    expect(await good).toMatchObject({ offset: 0 });
  });

  test("takes a key that was left out for none", async () => {
    await client.send(text, { value: "v" } as never);
    const read = client.messages(text, { group: "g", from: "earliest" });
    for await (const { key, value } of read) {
      expect({ key, value }).toEqual({ key: null, value: "v" });
      break;
    }
  });

  test("does not read without a group", async () => {
    const read = client.messages(text, { from: "earliest" } as never);
    await expect(read[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: "invalid-argument",
      message: "a group needs a name: { group: ... }",
    });
  });

  test.each([
    [(given: Client) => given.admin.createTopic("abc" as never), '{ name: "'],
    [(given: Client) => given.admin.createTopic({} as never), '{ name: "'],
    [(given: Client) => given.admin.deleteTopic({} as never), "not {}"],
    [(given: Client) => given.admin.describeTopic(7 as never), "not 7"],
    [
      (given: Client) => given.admin.createPartitions(null as never, 2),
      "not null",
    ],
    [(given: Client) => given.send("abc" as never, {} as never), 'topic("'],
    [(given: Client) => given.send(text, "v" as never), "{ key: null"],
    [(given: Client) => given.consumer(undefined as never), "{ group: "],
    [
      (given: Client) =>
        given.consumer({ group: "g", from: "latest" } as never),
      "{ topics: ",
    ],
    [(given: Client) => first(given.messages("abc" as never, {} as never)), ""],
    [
      (given: Client) =>
        first(given.messages(text, { group: "g", from: "begin" as never })),
      'from is "begin"; it is "earliest", "latest"',
    ],
    [
      (given: Client) => first(given.messages(text, { group: "g" } as never)),
      "from is undefined",
    ],
    [
      async (given: Client) =>
        given.reader({
          partitions: [
            { topic: "text", partition: 0, offset: "begin" as never },
          ],
        }),
      'an offset is "begin"',
    ],
  ])("says what it takes: %#", async (call, said) => {
    await expect(call(client)).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringContaining(said),
    });
  });
});

function first<T>(items: AsyncIterable<T>): Promise<unknown> {
  return items[Symbol.asyncIterator]().next();
}
