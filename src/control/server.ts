/** The gateway's side of the control socket: mode 0600 in a folder of mode 0700, so only its own user and root may ask. */
import { chmodSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { explain, GatewayError, isGatewayError } from "../core/errors.ts";
import { type Failure, maxLine, type Request, type Response } from "./protocol.ts";

export type Handler = (args: Readonly<Record<string, unknown>>) => unknown;

/** Never rejects. */
export async function perform(request: Request, handlers: ReadonlyMap<string, Handler>): Promise<Response> {
  try {
    const handler = handlers.get(request.command);
    if (!handler)
      throw new GatewayError("USAGE", { command: String(request.command), problem: "the gateway knows none" });
    return { ok: true, value: (await handler(request.args)) ?? null };
  } catch (error) {
    return { ok: false, error: failure(error) };
  }
}

function failure(error: unknown): Failure {
  if (!isGatewayError(error)) return { code: "CONTROL_FAILED", detail: { problem: explain(error) } };
  const detail = Object.fromEntries(Object.entries(error.detail).map(([key, value]) => [key, String(value)]));
  return {
    code: error.code,
    detail: error.cause instanceof Error ? { ...detail, cause: error.cause.message } : detail,
  };
}

function serve(socket: Socket, handlers: ReadonlyMap<string, Handler>): void {
  let text = "";
  socket.setEncoding("utf8");
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk: string) => {
    text += chunk;
    if (text.length > maxLine) socket.destroy();
    const end = text.indexOf("\n");
    if (end < 0) return;
    const line = text.slice(0, end);
    text = "";
    const answer = (response: Response): void => void socket.end(`${JSON.stringify(response)}\n`);
    try {
      void perform(JSON.parse(line) as Request, handlers).then(answer);
    } catch (error) {
      answer({ ok: false, error: failure(error) });
    }
  });
}

/** The lock on the spool is ours, so a socket that lies there is a leftover. */
export async function startControl(
  path: string,
  handlers: ReadonlyMap<string, Handler>,
): Promise<{ close(): Promise<void> }> {
  rmSync(path, { force: true });
  const server = createServer({ allowHalfOpen: true }, (socket) => serve(socket, handlers));
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(path, resolve));
  chmodSync(path, 0o600);
  return { close: () => new Promise((resolve) => void server.close(() => resolve())) };
}
