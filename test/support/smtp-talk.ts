/** A scripted SMTP client that does nothing by itself: octets out, replies in. */
import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls, TLSSocket } from "node:tls";

export class Talk {
  #socket: Socket;
  #seen = "";
  #isClosed = false;
  #wake: (() => void) | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen();
  }

  static async connect(port: number, host = "127.0.0.1"): Promise<Talk> {
    const socket = connectTcp(port, host);
    socket.setNoDelay(true);
    await once(socket, "connect");
    return new Talk(socket);
  }

  #listen(): void {
    const wake = (): void => this.#wake?.();
    this.#socket.on("data", (octets: Buffer) => {
      this.#seen += octets.toString("latin1");
      wake();
    });
    this.#socket.on("error", wake);
    this.#socket.on("close", () => {
      this.#isClosed = true;
      wake();
    });
    this.#socket.on("end", wake);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Resolves when the octets have been handed to the system. */
  send(octets: string | Buffer): Promise<void> {
    const data = typeof octets === "string" ? Buffer.from(octets, "latin1") : octets;
    return new Promise((resolve) => this.#socket.write(data, () => resolve()));
  }

  async #until(isThere: () => boolean, what: string, ms: number): Promise<void> {
    const end = Date.now() + ms;
    while (!isThere()) {
      if (this.#isClosed) throw new Error(`closed while waiting for ${what}; seen: ${JSON.stringify(this.#seen)}`);
      if (Date.now() > end) throw new Error(`waited too long for ${what}; seen: ${JSON.stringify(this.#seen)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 50);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** The lines of the next reply. */
  async reply(ms = 5000): Promise<readonly string[]> {
    const whole = /^(?:\d{3}-[^\r\n]*\r\n)*\d{3} [^\r\n]*\r\n/;
    await this.#until(() => whole.test(this.#seen), "a reply", ms);
    const [text = ""] = whole.exec(this.#seen) ?? [];
    this.#seen = this.#seen.slice(text.length);
    return text.trimEnd().split("\r\n");
  }

  /** A command and the last line of its reply. */
  async ask(command: string, ms?: number): Promise<string> {
    await this.send(`${command}\r\n`);
    return (await this.reply(ms)).at(-1) ?? "";
  }

  /** What has come and was not read as a reply. */
  get unread(): string {
    return this.#seen;
  }

  /** The common name of the server's certificate. */
  get certificate(): string {
    return this.#socket instanceof TLSSocket ? String(this.#socket.getPeerCertificate().subject.CN) : "";
  }

  async startTls(options: ConnectionOptions = {}): Promise<void> {
    this.#socket.removeAllListeners();
    const secure = connectTls({
      socket: this.#socket,
      rejectUnauthorized: false,
      servername: "gateway.test",
      ...options,
    });
    await once(secure, "secureConnect");
    this.#socket = secure;
    this.#listen();
  }

  /** Resolves when the other side has closed. */
  async closed(ms = 5000): Promise<void> {
    if (!this.#isClosed)
      await this.#until(() => this.#isClosed, "the end", ms).catch((error: unknown) => {
        if (!this.#isClosed) throw error;
      });
  }

  end(): void {
    this.#socket.destroy();
  }
}
