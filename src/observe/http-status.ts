/** GET /metrics, /health and /ready; nothing else, no body is ever read. */
import { createServer, type Server, type ServerResponse } from "node:http";

export interface StatusSource {
  metrics(): Promise<string>;
  /** Null when well, else what is wrong. `/health`: this process should be restarted. */
  unhealthy(): string | null;
  /** `/ready`: no mail should be sent here now. */
  unready(): Promise<string | null>;
}

function answer(response: ServerResponse, code: number, type: string, body: string): void {
  response.writeHead(code, {
    "content-type": type,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "content-length": Buffer.byteLength(body),
  });
  response.end(body);
}

const verdict = (response: ServerResponse, problem: string | null): void =>
  answer(
    response,
    problem === null ? 200 : 503,
    "application/json",
    `${JSON.stringify(problem === null ? { ok: true } : { ok: false, problem })}\n`,
  );

async function route(source: StatusSource, path: string, response: ServerResponse): Promise<void> {
  if (path === "/metrics")
    return answer(response, 200, "text/plain; version=0.0.4; charset=utf-8", await source.metrics());
  if (path === "/health") return verdict(response, source.unhealthy());
  if (path === "/ready") return verdict(response, await source.unready());
  answer(response, 404, "text/plain; charset=utf-8", "Here are /metrics, /health and /ready.\n");
}

export async function startStatusServer(
  listen: string,
  source: StatusSource,
): Promise<{ readonly server: Server; readonly port: number; close(): Promise<void> }> {
  const server = createServer(
    { requestTimeout: 10_000, headersTimeout: 10_000, maxHeaderSize: 8192 },
    (request, response) => {
      const path = (request.url ?? "/").split("?")[0] ?? "/";
      if (request.method !== "GET" && request.method !== "HEAD")
        return answer(response, 405, "text/plain; charset=utf-8", "GET only\n");
      route(source, path, response).catch(() =>
        answer(response, 500, "text/plain; charset=utf-8", "The figures cannot be had now\n"),
      );
    },
  );
  server.maxConnections = 100;
  const at = listen.lastIndexOf(":");
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(Number(listen.slice(at + 1)), listen.slice(0, at).replace(/^\[|\]$/g, ""), resolve);
  });
  const address = server.address();
  return {
    server,
    port: typeof address === "object" && address ? address.port : 0,
    close: () => new Promise((resolve) => void (server.close(() => resolve()), server.closeAllConnections())),
  };
}
