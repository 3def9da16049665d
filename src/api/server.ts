/** The HTTP server of console, API, metrics and health: what every answer has in common. */
import { randomBytes } from "node:crypto";
import cookie from "@fastify/cookie";
import rateLimit from "@fastify/rate-limit";
import fastify, { type FastifyInstance, type FastifyReply } from "fastify";
import { explain, GatewayError, isGatewayError } from "../core/errors.ts";
import type { Log } from "../observe/log.ts";
import type { StatusSource } from "../observe/http-status.ts";
import type { Desk } from "./desk.ts";
import { docsPage } from "./docs-page.ts";
import { createHandlers } from "./handlers.ts";
import type { Operation } from "./operation.ts";
import { operations } from "./operations.ts";
import { type AnyHandler, createPerform } from "./perform.ts";
import { asProblem, internal } from "./problem.ts";

/** The built console: an index page in which `__NONCE__` stands for the nonce of the answer, and files with the hash of their content in their name. */
export interface Pages {
  /** Null: not built. */
  readonly index: string | null;
  /** For @fastify/static. */
  register(app: FastifyInstance): Promise<void>;
}

export interface ServerOptions {
  readonly desk: Desk;
  readonly status: StatusSource;
  readonly pages: Pages;
  readonly version: string;
  readonly log: Log;
  readonly proxies: readonly string[];
  readonly requestsPerMinute: number;
}

const bodyLimit = 256 * 1024;
const signInsPerMinute = 10;

const policy = (nonce: string): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join("; ");

function harden(reply: FastifyReply): string {
  const nonce = randomBytes(16).toString("base64");
  reply.headers({
    "content-security-policy": policy(nonce),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "cache-control": "no-store",
  });
  return nonce;
}

const nonces = new WeakMap<FastifyReply, string>();

function registerStatus(app: FastifyInstance, status: StatusSource): void {
  const verdict = (reply: FastifyReply, problem: string | null) =>
    reply.code(problem === null ? 200 : 503).send(problem === null ? { ok: true } : { ok: false, problem });
  const unlimited = { config: { rateLimit: false } } as const;
  app.get("/metrics", unlimited, async (_, reply) =>
    reply.type("text/plain; version=0.0.4; charset=utf-8").send(await status.metrics()),
  );
  app.get("/health", unlimited, (_, reply) => verdict(reply, status.unhealthy()));
  app.get("/ready", unlimited, async (_, reply) => verdict(reply, await status.unready()));
  for (const url of ["/metrics", "/health", "/ready"])
    app.route({
      method: ["POST", "PUT", "PATCH", "DELETE"],
      url,
      handler: (_, reply) => reply.code(405).type("text/plain; charset=utf-8").send("GET only\n"),
    });
}

const notBuilt =
  "The console is not built: run `npm ci --ignore-scripts && npm run build` in the folder web/.\nThe API is below /api/v1, its description at /api/docs; metrics at /metrics, health at /health and /ready.\n";

function registerPages(app: FastifyInstance, { index }: Pages): void {
  app.setNotFoundHandler((request, reply) => {
    const isPage = request.method === "GET" && !request.url.startsWith("/api/") && !/\.\w+$/.test(request.url);
    if (!isPage) throw new GatewayError("NOT_FOUND", { problem: "there is no such address" });
    if (index === null) return reply.code(404).type("text/plain; charset=utf-8").send(notBuilt);
    return reply.type("text/html; charset=utf-8").send(index.replaceAll("__NONCE__", nonces.get(reply) ?? ""));
  });
}

export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const { desk, status, pages, version, log, proxies, requestsPerMinute } = options;
  const app = fastify({
    logger: false,
    bodyLimit,
    trustProxy: proxies.length > 0 ? [...proxies] : false,
    requestTimeout: 60_000,
    connectionTimeout: 0,
    maxRequestsPerSocket: 0,
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: false },
    http: { maxHeaderSize: 16_384, headersTimeout: 10_000 },
    forceCloseConnections: true,
  });
  app.addHook("onRequest", (_, reply, next) => {
    nonces.set(reply, harden(reply));
    next();
  });
  app.setErrorHandler((error, request, reply) => {
    const problem = asProblem(error);
    if (problem === null || problem.status >= 500)
      log[problem === null ? "error" : "warn"]("request_failed", {
        method: request.method,
        url: request.routeOptions.url ?? "",
        error_cause: explain(error),
        ...(isGatewayError(error) ? { error_code: error.code } : {}),
      });
    const told = problem ?? internal;
    if (isGatewayError(error, "SIGN_IN_LOCKED")) reply.header("retry-after", String(error.detail["seconds"]));
    return reply.code(told.status).type("application/problem+json; charset=utf-8").send(JSON.stringify(told));
  });
  await app.register(cookie);
  await app.register(rateLimit, { global: true, max: requestsPerMinute, timeWindow: 60_000 });
  registerStatus(app, status);
  const perform = createPerform(desk);
  const handlers = createHandlers(version) as unknown as Readonly<Record<string, AnyHandler>>;
  for (const [id, operation] of Object.entries<Operation>(operations)) {
    const handler = handlers[id];
    if (!handler) continue;
    app.route({
      method: operation.method,
      url: `/api/v1${operation.path}`,
      handler: perform(id, operation, handler),
      ...(operation.isSignIn ? { config: { rateLimit: { max: signInsPerMinute, timeWindow: 60_000 } } } : {}),
    });
  }
  app.get("/api/docs", (_, reply) =>
    reply.type("text/html; charset=utf-8").send(docsPage(operations, version, nonces.get(reply) ?? "")),
  );
  await pages.register(app);
  registerPages(app, pages);
  return app;
}
