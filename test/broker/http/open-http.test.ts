import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { BrokerError } from "../../../broker/errors.ts";
import { type OpenHttp, openHttp } from "../../../broker/http/open-http.ts";
import { fakeOperations } from "./fake-operations.ts";
import { context, httpOver, silent } from "./support.ts";

const nothing = { topics: [], groups: [] } as const;
const opened: OpenHttp[] = [];

afterEach(async () => {
  for (const http of opened.splice(0)) await http.close();
});

async function open(port = 0): Promise<OpenHttp> {
  const http = await openHttp({
    operations: fakeOperations(nothing),
    context,
    logger: silent,
    isReady: () => true,
    port,
  });
  opened.push(http);
  return http;
}

describe("openHttp", () => {
  test("listens on the port it tells, on this machine", async () => {
    const { port } = await open();
    const answer = await fetch(`http://127.0.0.1:${port}/health`);
    expect(await answer.json()).toEqual({ status: "ok" });
  });

  test("refuses a port that is taken", async () => {
    const { port } = await open();
    const second = open(port);
    await expect(second).rejects.toBeInstanceOf(BrokerError);
    await expect(second).rejects.toMatchObject({
      code: "listen-failed",
      message: `cannot serve HTTP on 127.0.0.1:${port}: the port is taken; choose another one, or 0 for any`,
    });
  });

  test("closes at once, whoever is still connected", async () => {
    const { port, close } = await open();
    const socket = connect(port, "127.0.0.1");
    await new Promise((resolve) => socket.once("connect", resolve));
    socket.write("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    await new Promise((resolve) => socket.once("data", resolve));
    const ended = new Promise((resolve) => socket.once("close", resolve));
    await close();
    await ended;
  });

  test("ends a connection that sends headers without end", async () => {
    const { port } = await open();
    const socket = connect(port, "127.0.0.1");
    const answers: string[] = [];
    socket.on("data", (chunk) => answers.push(String(chunk)));
    const ended = new Promise((resolve) => socket.once("close", resolve));
    socket.on("error", () => {
      // The other end may close while we still write.
    });
    socket.write(`GET /health HTTP/1.1\r\nX: ${"y".repeat(64 * 1024)}`);
    await ended;
    expect(answers.join("")).toContain(" 431 ");
  });
});

describe("health", () => {
  test("is ready when the broker says so", async () => {
    let isReady = false;
    const app = await httpOver(nothing, { isReady: () => isReady });
    expect((await app.inject("/ready")).statusCode).toBe(503);
    expect((await app.inject("/health")).statusCode).toBe(200);
    isReady = true;
    expect((await app.inject("/ready")).statusCode).toBe(200);
  });
});

describe("answers", () => {
  test("of the OpenAPI document describe every route", async () => {
    const app = await httpOver(nothing);
    const document = (await app.inject("/openapi.json")).json();
    expect(document.openapi).toBe("3.1.0");
    expect(Object.keys(document.paths).sort()).toEqual([
      "/api/groups",
      "/api/groups/{group}",
      "/api/topics",
      "/api/topics/{topic}",
      "/api/topics/{topic}/partitions",
      "/health",
      "/metrics",
      "/ready",
    ]);
    const { schema } =
      document.paths["/api/groups/{group}"].get.responses["200"].content[
        "application/json"
      ];
    expect(schema.properties.offsets.items.properties).toHaveProperty("lag");
  });

  test("to unknown paths and methods say where to look", async () => {
    const app = await httpOver(nothing);
    for (const method of ["GET", "DELETE"] as const) {
      const answer = await app.inject({ method, url: "/api/nothing" });
      expect(answer.statusCode).toBe(404);
      expect(answer.json().message).toContain("/openapi.json");
    }
  });

  test("to a question that fails tell nothing, and the log tells all", async () => {
    const logged: object[] = [];
    const app = await httpOver(
      { topics: [], groups: "loading" },
      {
        logger: { ...silent, error: (fields) => void logged.push(fields) },
        isReady: () => {
          throw new Error("secret");
        },
      },
    );
    const answer = await app.inject("/ready");
    expect(answer.statusCode).toBe(500);
    expect(answer.body).not.toContain("secret");
    expect(logged).toMatchObject([{ err: { message: "secret" } }]);
  });
});
