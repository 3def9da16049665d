/** A gateway for tests that is to be killed: the real one, which sends itself SIGKILL at the step it was told of. A child of crash-site.ts. */
import { subscribe } from "node:diagnostics_channel";
import { flushCompileCache } from "node:module";
import type { Socket } from "node:net";
import { startGateway } from "../../src/compose.ts";
import { loadConfig } from "../../src/config.ts";
import { type Arrow, createFuse } from "./fuse.ts";

export interface Order {
  readonly arm: Arrow;
  /** It dies only when its client has heard 250. */
  readonly heard: boolean;
}
export interface Told {
  readonly ready?: { readonly smtp: number };
  readonly armed?: true;
}

const [file = "", arrow] = process.argv.slice(2);
const tell = (told: Told): void => void process.send?.(told);

/** That of the client whose message it dies over. */
let heard: PromiseWithResolvers<void> | null = null;

function die(): Promise<never> {
  const kill = (): void => void process.kill(process.pid, "SIGKILL");
  if (heard) void heard.promise.then(kill);
  else kill();
  return Promise.withResolvers<never>().promise;
}
const fuse = createFuse(die);

type Write = (chunk: string | Uint8Array, ...rest: unknown[]) => boolean;

/** What is said to clients counts as a step too: "say 250 2.0.0 Ok". */
subscribe("net.server.socket", (message) => {
  const { socket } = message as { readonly socket: Socket };
  const write = socket.write.bind(socket) as Write;
  const said: Write = (chunk, ...rest) => {
    const text = Buffer.from(chunk).toString("latin1");
    const when = fuse.reached(`say ${text}`);
    if (when === "before") void die();
    if (when === "after") return write(chunk, die);
    if (text.startsWith("250 2.0.0")) return write(chunk, () => heard?.resolve());
    return write(chunk, ...rest);
  };
  socket.write = said as Socket["write"];
});

if (arrow !== undefined) fuse.arm(JSON.parse(arrow) as Arrow);
process.on("message", (order: Order) => {
  fuse.arm(order.arm);
  heard = order.heard ? Promise.withResolvers() : null;
  tell({ armed: true });
});
process.on("disconnect", () => process.exit());
const { smtp } = await startGateway(loadConfig(file).config, { syscalls: fuse.syscalls });
tell({ ready: { smtp: smtp[0]?.port ?? 0 } });
// For the next one, since this one is not to end by itself.
flushCompileCache();
