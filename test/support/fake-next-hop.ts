/** An SMTP server that says what a test tells it to, and keeps what arrived octet for octet. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createSecureContext, TLSSocket } from "node:tls";
import type { Certificate } from "./make-certificate.ts";

export type Verb =
  | "GREETING"
  | "EHLO"
  | "HELO"
  | "STARTTLS"
  | "MAIL"
  | "RCPT"
  | "DATA"
  /** After the final dot. */
  | "END"
  | "RSET"
  | "NOOP"
  | "QUIT"
  | "XFORWARD"
  | "XCLIENT";

/** A reply line (CRLF is added; several lines as "250-a\r\n250 b"), octets as they are, nothing at all, or the end of the connection. */
export type Said = string | Uint8Array | typeof silence | typeof drop;
export const silence = Symbol("silence");
export const drop = Symbol("drop");

export interface Answer {
  readonly afterMs?: number;
  readonly say: Said;
  /** Close once it is said. */
  readonly close?: boolean;
}
/** A list is used up one by one, its last stays. */
export type Script = Said | Answer | readonly (Said | Answer)[] | ((line: string, arrived: Arrived) => Said | Answer);

export interface Arrived {
  readonly connection: number;
  readonly tls: boolean;
  /** The last EHLO or HELO. */
  readonly helo: string;
  readonly reversePath: string;
  /** After the reverse-path: "SIZE=12 BODY=8BITMIME". */
  readonly parameters: string;
  /** Accepted ones. */
  readonly forwardPaths: readonly string[];
  /** XFORWARD or XCLIENT attributes as they came. */
  readonly attributes: Readonly<Record<string, string>>;
  /** As on the wire, with the dots and the final CRLF.CRLF. */
  readonly raw: Buffer;
  /** The message: dots un-stuffed, without the final dot. */
  readonly octets: Buffer;
  readonly reply: string;
}

export interface FakeNextHopOptions {
  /** 0 takes a free one. */
  readonly port?: number;
  readonly replies?: Partial<Record<Verb, Script>>;
  /** Lines of the EHLO reply after the first. Default: PIPELINING, SIZE 0, 8BITMIME, SMTPUTF8, ENHANCEDSTATUSCODES. */
  readonly extensions?: readonly string[];
  /** Offers STARTTLS. */
  readonly tls?: Certificate;
  /** In the midst of the octets: stop reading, as a hop does that hangs; cut the connection; or say something early. */
  readonly duringData?: { readonly afterBytes: number; readonly then: typeof silence | typeof drop | string };
}

export interface FakeNextHop extends AsyncDisposable {
  readonly port: number;
  /** "127.0.0.1:port" */
  readonly hop: string;
  /** Messages that were answered with 2yz. */
  readonly messages: readonly Arrived[];
  /** All messages whose final dot came. */
  readonly attempts: readonly Arrived[];
  /** Every command line of all connections, without CRLF. */
  readonly commands: readonly string[];
  /** Connections so far, and those open now. */
  readonly connections: number;
  readonly open: number;
  /** The most that were open at the same time. */
  readonly mostOpen: number;
  /** Changes the script; commands not named keep theirs. */
  say(replies: Partial<Record<Verb, Script>>): void;
  /** Resolves when so many messages have been accepted. Rejects after 5 s. */
  received(count: number): Promise<readonly Arrived[]>;
  /** Cuts all connections, as a restart does. */
  cut(): void;
  close(): Promise<void>;
}

const usual: Readonly<Record<Verb, string>> = {
  GREETING: "220 hop.test ESMTP",
  EHLO: "",
  HELO: "250 hop.test",
  STARTTLS: "220 2.0.0 go ahead",
  MAIL: "250 2.1.0 ok",
  RCPT: "250 2.1.5 ok",
  DATA: "354 go ahead",
  END: "250 2.0.0 taken",
  RSET: "250 2.0.0 ok",
  NOOP: "250 2.0.0 ok",
  QUIT: "221 2.0.0 bye",
  XFORWARD: "250 2.0.0 ok",
  XCLIENT: "220 hop.test ESMTP",
};
const usualExtensions = ["PIPELINING", "SIZE 0", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"];
const closesData = Buffer.from("\r\n.\r\n");

/** RFC 5321 §4.5.2, without the lone dot. */
function unstuff(raw: Buffer): Buffer {
  const octets = Buffer.allocUnsafe(raw.length);
  let to = 0;
  for (let i = 0; i < raw.length - 3; i++) {
    const startsLine = i === 0 || (raw[i - 1] === 10 && raw[i - 2] === 13);
    if (!startsLine || raw[i] !== 46) octets[to++] = raw[i] as number;
  }
  return octets.subarray(0, to);
}

class Fake implements FakeNextHop {
  port = 0;
  readonly messages: Arrived[] = [];
  readonly attempts: Arrived[] = [];
  readonly commands: string[] = [];
  connections = 0;
  mostOpen = 0;
  readonly options: FakeNextHopOptions;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((socket) => this.#serve(socket));
  readonly #replies: Map<Verb, Script>;

  constructor(options: FakeNextHopOptions) {
    this.options = options;
    this.#replies = new Map(Object.entries(options.replies ?? {}) as [Verb, Script][]);
  }

  get hop(): string {
    return `127.0.0.1:${this.port}`;
  }

  get open(): number {
    return this.#sockets.size;
  }

  async listen(): Promise<this> {
    this.#server.listen(this.options.port ?? 0, "127.0.0.1");
    await once(this.#server, "listening");
    this.port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  say(replies: Partial<Record<Verb, Script>>): void {
    for (const [verb, script] of Object.entries(replies)) this.#replies.set(verb as Verb, script);
  }

  async received(count: number): Promise<readonly Arrived[]> {
    for (let i = 0; i < 1_000 && this.messages.length < count; i++) await sleep(5);
    if (this.messages.length < count) throw new Error(`${this.messages.length} of ${count} messages arrived`);
    return this.messages;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, "close");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  answer(verb: Verb, line: string, arrived: Arrived): Answer {
    const script = this.#replies.get(verb) ?? usual[verb];
    const one =
      typeof script === "function" ? script(line, arrived) : Array.isArray(script) ? this.#next(verb, script) : script;
    return typeof one === "object" && "say" in one ? one : { say: one as Said };
  }

  #next(verb: Verb, list: readonly (Said | Answer)[]): Said | Answer {
    const [first = usual[verb], ...rest] = list;
    if (rest.length > 0) this.#replies.set(verb, rest);
    return first;
  }

  #serve(socket: Socket): void {
    this.connections++;
    this.#sockets.add(socket);
    this.mostOpen = Math.max(this.mostOpen, this.open);
    socket.on("close", () => this.#sockets.delete(socket));
    void new Session(this, socket, this.connections).run();
  }
}

/** Octets that came and are not used yet; growing costs no more than twice the copying. */
class Inbox {
  #buffer = Buffer.alloc(65_536);
  #from = 0;
  #to = 0;

  get octets(): Buffer {
    return this.#buffer.subarray(this.#from, this.#to);
  }

  push(chunk: Buffer): void {
    if (this.#to + chunk.length > this.#buffer.length) {
      const grown = Buffer.alloc((this.octets.length + chunk.length) * 2);
      this.#to = this.octets.copy(grown);
      this.#from = 0;
      this.#buffer = grown;
    }
    this.#to += chunk.copy(this.#buffer, this.#to);
  }

  take(length: number): Buffer {
    const taken = Buffer.from(this.octets.subarray(0, length));
    this.#from += length;
    if (this.#from === this.#to) this.#from = this.#to = 0;
    return taken;
  }
}

class Session {
  readonly #fake: Fake;
  #socket: Socket;
  readonly #inbox = new Inbox();
  #wake: () => void = () => undefined;
  #isOver = false;
  #arrived: Arrived;

  constructor(fake: Fake, socket: Socket, connection: number) {
    this.#fake = fake;
    this.#socket = socket;
    const empty = {
      helo: "",
      reversePath: "",
      parameters: "",
      reply: "",
      raw: Buffer.alloc(0),
      octets: Buffer.alloc(0),
    };
    this.#arrived = { ...empty, connection, tls: false, forwardPaths: [], attributes: {} };
    this.#listen();
  }

  async run(): Promise<void> {
    await this.#reply("GREETING", "");
    while (!this.#isOver) {
      const line = await this.#line();
      if (line === null) return;
      this.#fake.commands.push(line);
      await this.#command(line);
    }
  }

  #listen(): void {
    this.#socket.setNoDelay(true);
    this.#socket.on("data", (chunk: Buffer) => {
      this.#inbox.push(chunk);
      this.#wake();
    });
    const over = (): void => {
      this.#isOver = true;
      this.#wake();
    };
    this.#socket.on("error", over);
    this.#socket.on("close", over);
  }

  async #more(): Promise<void> {
    if (!this.#isOver) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  async #line(): Promise<string | null> {
    for (;;) {
      const end = this.#inbox.octets.indexOf("\r\n");
      if (end !== -1) return this.#inbox.take(end + 2).toString("utf8", 0, end);
      if (this.#isOver) return null;
      await this.#more();
    }
  }

  async #command(line: string): Promise<void> {
    const word = line.split(/[ :]/, 1)[0]?.toUpperCase() ?? "";
    const verb = word in usual ? (word as Verb) : null;
    if (!verb) return this.#write("500 5.5.1 unknown");
    if (verb === "EHLO" || verb === "HELO") this.#arrived = { ...this.#arrived, helo: line.slice(5) };
    if (verb === "XFORWARD" || verb === "XCLIENT") this.#learn(line);
    const said = await this.#reply(verb, line);
    if (said.startsWith("2") || said.startsWith("3")) await this.#accepted(verb, line);
  }

  async #accepted(verb: Verb, line: string): Promise<void> {
    if (verb === "MAIL") {
      const [, reversePath = "", parameters = ""] = /^MAIL FROM:<(.*?)> ?([^>]*)$/i.exec(line) ?? [];
      this.#arrived = { ...this.#arrived, reversePath, parameters, forwardPaths: [] };
    } else if (verb === "RCPT") {
      const path = /^RCPT TO:<(.*)>/i.exec(line)?.[1] ?? "";
      this.#arrived = { ...this.#arrived, forwardPaths: [...this.#arrived.forwardPaths, path] };
    } else if (verb === "DATA") await this.#data();
    else if (verb === "QUIT") this.#socket.end();
    else if (verb === "STARTTLS") this.#encrypt();
  }

  async #data(): Promise<void> {
    const { afterBytes = Infinity, then = silence } = this.#fake.options.duringData ?? {};
    let hasMisbehaved = false;
    for (let from = 0; ; ) {
      const { octets } = this.#inbox;
      if (octets.length > afterBytes && !hasMisbehaved) {
        hasMisbehaved = true;
        if (typeof then === "string") this.#write(then);
        else if (then === drop) return this.#die();
        else this.#socket.pause();
      }
      const end = octets.subarray(0, 3).equals(closesData.subarray(2)) ? 3 : octets.indexOf(closesData, from) + 5;
      if (end !== 4) return this.#finish(this.#inbox.take(end));
      from = Math.max(0, octets.length - 4);
      if (this.#isOver) return;
      await this.#more();
    }
  }

  #die(): void {
    this.#isOver = true;
    this.#socket.destroy();
  }

  async #finish(raw: Buffer): Promise<void> {
    const arrived = { ...this.#arrived, raw, octets: unstuff(raw) };
    const reply = await this.#reply("END", "", arrived);
    this.#fake.attempts.push({ ...arrived, reply });
    if (reply.startsWith("2")) this.#fake.messages.push({ ...arrived, reply });
    this.#arrived = { ...this.#arrived, reversePath: "", parameters: "", forwardPaths: [] };
  }

  #learn(line: string): void {
    const pairs = line
      .split(" ")
      .slice(1)
      .map((pair) => pair.split("=", 2));
    this.#arrived = { ...this.#arrived, attributes: { ...this.#arrived.attributes, ...Object.fromEntries(pairs) } };
  }

  #encrypt(): void {
    const { tls } = this.#fake.options;
    if (!tls) return;
    this.#socket.removeAllListeners("data");
    this.#socket = new TLSSocket(this.#socket, { isServer: true, secureContext: createSecureContext({ ...tls }) });
    this.#arrived = { ...this.#arrived, tls: true };
    this.#listen();
  }

  #ehlo(): string {
    const { extensions = usualExtensions, tls } = this.#fake.options;
    const lines = ["hop.test", ...extensions, ...(tls && !this.#arrived.tls ? ["STARTTLS"] : [])];
    return lines.map((line, i) => `250${i === lines.length - 1 ? " " : "-"}${line}`).join("\r\n");
  }

  /** What was said, "" for nothing. */
  async #reply(verb: Verb, line: string, arrived = this.#arrived): Promise<string> {
    const answer = this.#fake.answer(verb, line, arrived);
    if (answer.afterMs !== undefined) await sleep(answer.afterMs);
    const say = verb === "EHLO" && answer.say === "" ? this.#ehlo() : answer.say;
    if (say === drop) this.#socket.destroy();
    while (say === silence && !this.#isOver) await this.#more();
    if (typeof say === "symbol") return "";
    this.#write(say);
    if (answer.close) this.#socket.end();
    return typeof say === "string" ? say : "";
  }

  #write(say: string | Uint8Array): void {
    if (!this.#socket.destroyed) this.#socket.write(typeof say === "string" ? `${say}\r\n` : say);
  }
}

export const startFakeNextHop = (options: FakeNextHopOptions = {}): Promise<FakeNextHop> => new Fake(options).listen();
