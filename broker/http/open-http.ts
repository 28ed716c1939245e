/**
 * HTTP for those who watch a broker: health, metrics, and read-only JSON. It
 * listens on its own port, on this machine alone unless told otherwise, and is
 * loaded only when asked for.
 *
 * Nothing here takes a body. Sizes, times and connections are bounded, as
 * whoever asks may be anyone.
 */
import swagger from "@fastify/swagger";
import fastify, { type FastifyInstance, type FastifyRequest } from "fastify";
import { BrokerError } from "../errors.ts";
import { listenProblem } from "../lib/listen-problem.ts";
import type { RequestContext } from "../operation/context.ts";
import type { Operations } from "../operation/operations.ts";
import type { Logger } from "../options.ts";
import { addApiRoutes } from "./api-routes.ts";
import { statusAnswer } from "./api-schemas.ts";
import { renderMetrics } from "./metrics.ts";
import type { Asker } from "./survey.ts";

/** The URL counts too, and with it the name of a topic or group in it. */
const HEADER_SIZE_BYTES_MAX = 16 * 1024;
const CONNECTIONS_MAX = 256;
const REQUEST_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 60_000;

export interface HttpOptions {
  readonly operations: Operations;
  /** Who the broker is asked as: with the listener whose address it tells. */
  readonly context: Omit<RequestContext, "clientHost" | "closed">;
  readonly logger: Logger;
  /** Everything that a request may need has been loaded. */
  readonly isReady: () => boolean;
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** 0 lets the system pick. */
  readonly port: number;
}

export interface OpenHttp {
  readonly port: number;
  /** Ends the connections there are, and frees the port. */
  close(): Promise<void>;
}

/** Throws `BrokerError` with `listen-failed`. */
export async function openHttp(options: HttpOptions): Promise<OpenHttp> {
  const app = await createHttp(options);
  const { host = "127.0.0.1", port } = options;
  try {
    await app.listen({ host, port });
  } catch (cause) {
    await app.close();
    const detail = problemOf(cause);
    throw new BrokerError(
      "listen-failed",
      `cannot serve HTTP on ${host}:${port}: ${detail}`,
      cause,
    );
  }
  const address = app.server.address();
  return {
    port: typeof address === "object" ? (address?.port ?? port) : port,
    close: async () => {
      await app.close();
    },
  };
}

/** The routes without a port: `inject` asks them. */
export async function createHttp(
  options: Omit<HttpOptions, "host" | "port">,
): Promise<FastifyInstance> {
  const app = fastify({
    // The smallest that fastify takes; no route reads a body.
    bodyLimit: 1,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: IDLE_TIMEOUT_MS,
    forceCloseConnections: true,
    http: { maxHeaderSize: HEADER_SIZE_BYTES_MAX },
    routerOptions: { maxParamLength: HEADER_SIZE_BYTES_MAX },
  });
  app.server.maxConnections = CONNECTIONS_MAX;
  answerErrors(app, options.logger);
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Millrace",
        description: "Topics, partitions, groups and lag of one broker.",
        version: "1",
      },
    },
  });
  const askerOf = (request: FastifyRequest): Asker => ({
    operations: options.operations,
    context: {
      ...options.context,
      clientHost: request.ip,
      closed: request.signal,
    },
  });
  addHealthRoutes(app, options.isReady);
  addMetricsRoute(app, askerOf);
  addApiRoutes(app, askerOf);
  app.get("/openapi.json", { schema: { hide: true } }, () => app.swagger());
  return app;
}

function addHealthRoutes(app: FastifyInstance, isReady: () => boolean): void {
  app.get(
    "/health",
    { schema: { summary: "Alive", response: { 200: statusAnswer } } },
    () => ({ status: "ok" }),
  );
  app.get(
    "/ready",
    {
      schema: {
        summary: "Everything is loaded and can be written",
        response: { 200: statusAnswer, 503: statusAnswer },
      },
    },
    (_request, reply) =>
      isReady()
        ? { status: "ok" }
        : reply.code(503).send({ status: "not-ready" }),
  );
}

/** Scrapes that meet share one answer: asking is work, and anyone may ask. */
function addMetricsRoute(
  app: FastifyInstance,
  askerOf: (request: FastifyRequest) => Asker,
): void {
  let running: Promise<string> | null = null;
  app.get(
    "/metrics",
    {
      schema: {
        summary: "Prometheus metrics, under kafka_exporter's names",
        produces: ["text/plain"],
        response: { 200: { type: "string" } },
      },
    },
    async (request, reply) => {
      running ??= renderMetrics(askerOf(request)).finally(() => {
        running = null;
      });
      const text = await running;
      return reply.type("text/plain; version=0.0.4; charset=utf-8").send(text);
    },
  );
}

/** Errors in one shape; what is our own fault is logged and not told. */
function answerErrors(app: FastifyInstance, logger: Logger): void {
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({
      error: "not-found",
      message: `there is no ${request.method} ${request.url.slice(0, 256)}; see /openapi.json`,
    }),
  );
  app.setErrorHandler((error, request, reply) => {
    const { statusCode, message } = statusOf(error);
    if (statusCode < 500) {
      return reply.code(statusCode).send({ error: "invalid-request", message });
    }
    logger.error(
      { err: error, method: request.method, url: request.url },
      "an HTTP request failed",
    );
    return reply.code(500).send({
      error: "unknown-server-error",
      message: "the broker's log says what happened",
    });
  });
}

function statusOf(error: unknown): {
  readonly statusCode: number;
  readonly message: string;
} {
  if (!(error instanceof Error)) return { statusCode: 500, message: "" };
  const statusCode =
    "statusCode" in error && typeof error.statusCode === "number"
      ? error.statusCode
      : 500;
  return { statusCode, message: error.message };
}

function problemOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const code = "code" in cause ? String(cause.code) : "";
  return listenProblem(code) ?? cause.message;
}
