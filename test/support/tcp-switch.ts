/** A way to a server that can be switched off: connections are refused then, as when the server is down. */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { freePort } from "./gateway.ts";

export interface TcpSwitch {
  readonly port: number;
  off(): Promise<void>;
  on(): Promise<void>;
}

export async function startSwitch(target: number, address = "127.0.0.1"): Promise<TcpSwitch> {
  const port = await freePort();
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy()).on("close", () => sockets.delete(socket));
  };
  let server: Server | null = null;
  const way: TcpSwitch = {
    port,
    async on() {
      server = createServer((client) => {
        const hop = connect(target, "127.0.0.1");
        for (const [one, other] of [
          [client, hop],
          [hop, client],
        ] as const) {
          keep(one);
          one.pipe(other);
          one.on("close", () => other.destroy());
        }
      }).listen(port, address);
      await once(server, "listening");
    },
    async off() {
      if (!server) return;
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
      server = null;
    },
  };
  await way.on();
  return way;
}
