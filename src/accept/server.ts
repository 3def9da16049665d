/** The library's server with our connections, and PROXY headers of both versions from listed networks. */
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { SMTPServer, type SMTPServerAddress, type SMTPServerDataStream, type SMTPServerSession } from "smtp-server";
import { Connection } from "./connection.ts";
import type { Edge } from "./edge.ts";
import { readProxyHeader } from "./proxy-header.ts";

type Answered = (error?: Error | null) => void;
type Options = ConstructorParameters<typeof SMTPServer>[0];
type Introduced = Parameters<SMTPServer["_handleProxy"]>[1];

export class Server extends SMTPServer {
  readonly edge: Edge;
  /** Every connection whose socket is not closed yet; the library forgets those that it has ended. */
  readonly open = new Set<Connection>();
  readonly #bySession = new WeakMap<SMTPServerSession, Connection>();

  constructor(edge: Edge, options: Options) {
    super(options);
    this.edge = edge;
  }

  override connect(socket: Socket, options: ConstructorParameters<typeof Connection>[2]): void {
    const connection = new Connection(this, socket, options);
    this.connections.add(connection);
    this.open.add(connection);
    this.#bySession.set(connection.session, connection);
    connection.on("error", (error: Error) => this._onError(error));
    connection.init();
  }

  closed(connection: Connection): void {
    this.open.delete(connection);
  }

  override onConnect(_session: SMTPServerSession, answered: Answered): void {
    answered();
  }

  override onMailFrom(_address: SMTPServerAddress, session: SMTPServerSession, answered: Answered): void {
    this.#bySession.get(session)?.mail(answered);
  }

  override onRcptTo(_address: SMTPServerAddress, session: SMTPServerSession, answered: Answered): void {
    this.#bySession.get(session)?.rcpt(answered);
  }

  override onData(stream: SMTPServerDataStream, session: SMTPServerSession, answered: Answered): void {
    this.#bySession.get(session)?.data(stream, answered);
  }

  override _expectsProxyHeader(socket: Socket): boolean {
    return this.edge.trusts.PROXY(socket.remoteAddress ?? "");
  }

  override _handleProxy(socket: Socket, introduced: Introduced): void {
    const id = randomBytes(9).toString("base64url");
    if (!this._expectsProxyHeader(socket)) {
      introduced(null, { id });
      return;
    }
    let seen: Buffer = Buffer.alloc(0);
    const ignore = (): void => undefined;
    const stop = (): void => {
      socket.off("readable", read).off("end", refuse).off("close", refuse);
    };
    const refuse = (): void => {
      stop();
      this.edge.log.warn("proxy_header_missing", { client: socket.remoteAddress });
      socket.destroy();
      introduced(new Error("no PROXY header"));
    };
    const read = (): void => {
      for (let piece = socket.read() as Buffer | null; piece; piece = socket.read() as Buffer | null)
        seen = Buffer.concat([seen, piece]);
      const header = readProxyHeader(seen);
      if (header.kind === "bad") refuse();
      if (header.kind !== "header") return;
      stop();
      socket.off("error", ignore);
      const rest = seen.subarray(header.length);
      if (rest.length > 0) socket.unshift(rest);
      const { source } = header;
      introduced(null, source ? { id, remoteAddress: source.address, remotePort: source.port } : { id });
    };
    socket.on("error", ignore);
    socket.on("readable", read).on("end", refuse).on("close", refuse);
  }
}
