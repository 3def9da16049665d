/** One connection: the library's state machine, with our greeting, our parser, our words, our time-outs. See seam.ts for what it leans on. */
import { TLSSocket } from "node:tls";
import type { SMTPServer, SMTPServerAddress, SMTPServerDataStream } from "smtp-server";
import { SMTPConnection } from "smtp-server/lib/smtp-connection.js";
import { explain } from "../core/errors.ts";
import type { Client } from "../core/message.ts";
import type { Reply } from "../core/status.ts";
import type { Edge } from "./edge.ts";
import { Input } from "./input.ts";
import { type ParsedPath, parsePath } from "./path.ts";
import { says } from "../core/replies.ts";
import { greeting, line, reasonFor, startMail, worded } from "./reply.ts";
import type { Session } from "./session.ts";

type Answered = (error?: Error | null) => void;

export class Connection extends SMTPConnection {
  declare _server: SMTPServer & { readonly edge: Edge; closed(connection: Connection): void };
  readonly #visit: Session;
  readonly #timers: NodeJS.Timeout[] = [];
  #commandTimer: NodeJS.Timeout | null = null;
  /** The address that was counted, before XCLIENT or XFORWARD changed it. */
  #counted: string | null = null;
  #path: ParsedPath | null = null;
  /** What the next words of the library stand for. */
  #answer: Reply | null = null;
  #isFinalReply = false;
  #errors = 0;
  /** Said instead of the next reply to a command; a transaction under way may end before. */
  #farewell: Reply | null = null;
  #sparesTransaction = true;

  constructor(
    server: Connection["_server"],
    socket: SMTPConnection["_socket"],
    options: ConstructorParameters<typeof SMTPConnection>[2],
  ) {
    super(server, socket, options);
    this.#visit = server.edge.newSession({ sessionId: this.id, client: () => this.#client() });
  }

  get #edge(): Edge {
    return this._server.edge;
  }

  // ---- beginning and end

  /** Without the library's pause of 100 ms for early talkers: what comes before the greeting is answered with 421 all the same. */
  override init(): void {
    this._setListeners(() => {
      const refusal = this.#edge.limits.enter(this.remoteAddress);
      if (refusal) {
        this.say(refusal);
        return;
      }
      this.#counted = this.remoteAddress;
      this.#edge.onEvent({ kind: "connected" });
      this.#startTimers();
      this.connectionReady();
    });
  }

  #startTimers(): void {
    const { command_timeout, session_timeout } = this.#edge.config;
    const session = setTimeout(() => this.leave(says.sessionTooLong, false), session_timeout);
    this.#commandTimer = setTimeout(() => {
      if (!this._handlerPending && !this._dataStream) this.say(says.timeout);
    }, command_timeout);
    this.#timers.push(session, this.#commandTimer);
  }

  /** Ends the session: at once, or when the transaction under way is over. What we are working on is answered in any case. */
  leave(farewell: Reply, sparesTransaction = true): void {
    this.#farewell = farewell;
    this.#sparesTransaction = sparesTransaction;
    const isReceiving = Boolean(this._parser && this._parser._dataMode);
    const isOurTurn = this._handlerPending || (Boolean(this._dataStream) && !isReceiving);
    if (!isOurTurn && !this._upgrading && !this.#isSpared) this.say(farewell);
  }

  get #isSpared(): boolean {
    return this.#sparesTransaction && this.#isInTransaction;
  }

  get #isInTransaction(): boolean {
    return Boolean(this.session.envelope?.mailFrom);
  }

  /** Closes now, whatever is under way. */
  destroy(): void {
    this._socket.destroy();
  }

  override _onClose(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#visit.gone();
    if (this.#counted !== null) this.#edge.limits.leave(this.#counted);
    this.#counted = null;
    super._onClose();
    this._server.closed(this);
  }

  // ---- input

  override _createParser(): Input {
    const { config, clock } = this._server.edge;
    const input = new Input(config, clock, {
      badLine: (reply, resume) => {
        this.say(reply);
        resume();
      },
      cut: (reply) => {
        this.say(reply);
        this.close();
      },
    });
    input.oncommand = (command, callback) => this._onCommand(command, callback);
    input.on("error", (error) => this._onError(error));
    return input;
  }

  override _onCommand(command: Buffer, callback?: () => void): void {
    // The library gives up after ten; ours is one limit for all kinds of errors.
    this._unrecognizedCommands = 0;
    const isQuit = /^quit\b/i.test(command.toString("latin1", 0, 8));
    if (this.#farewell && !this.#isSpared && !isQuit) this.say(this.#farewell);
    else super._onCommand(command, callback);
  }

  override _armTimeout(socket = this._socket): void {
    super._armTimeout(socket);
    this.#adjustTimeout(socket);
  }

  /** Another time for the listener that is there: each _armTimeout adds one. */
  #adjustTimeout(socket = this._socket): void {
    const { data_timeout, command_timeout } = this.#edge.config;
    socket.setTimeout(this._parser && this._parser._dataMode ? data_timeout : command_timeout);
  }

  override _onTimeout(): void {
    const parser = this._parser;
    if (!this._closing && parser instanceof Input && parser._dataMode && parser.waitsForUs) this._armTimeout();
    else super._onTimeout();
  }

  /** RFC 2920 §3.1: DATA is the last command of a group. What was sent behind it blindly could be taken for commands if we refuse. */
  override handler_DATA(command: Buffer, callback: () => void): void {
    if (this._parser instanceof Input && this._parser.pending > 0) {
      this.say(says.outOfStep);
      this.close();
      callback();
      return;
    }
    if (command.length > "DATA".length) {
      this.say(says.syntax);
      callback();
      return;
    }
    super.handler_DATA(command, () => {
      this.#adjustTimeout();
      callback();
    });
  }

  /** RFC 5321 §3.5.3: nothing is disclosed. */
  handler_EXPN(_command: Buffer, callback: () => void): void {
    this.say(says.cannotVerify);
    callback();
  }

  override _parseAddressCommand(
    name: string,
    command: Buffer | string,
  ): (SMTPServerAddress & { duplicate?: string }) | false {
    const verb = name === "mail from" ? "MAIL FROM" : "RCPT TO";
    const path = parsePath(verb, command.toString());
    this.#path = path;
    if (!path) return false;
    // Parameters are not shown to the library: session.ts judges them.
    return { address: path.address, args: false, ...(path.duplicate === null ? {} : { duplicate: path.duplicate }) };
  }

  /** XCLIENT with ADDR hands the session to the client, who must not change it again. */
  override _proxyCommandAllowed(command: string): boolean {
    if (command !== "XCLIENT" && command !== "XFORWARD") return false;
    return !this._xClient.has("ADDR") && this.#edge.trusts[command](this._originalRemoteAddress);
  }

  // ---- what session.ts decides

  mail(answered: Answered): void {
    this.#decide((path) => this.#visit.mail(path), answered);
  }

  rcpt(answered: Answered): void {
    this.#decide((path) => this.#visit.rcpt(path), answered);
  }

  #decide(ask: (path: ParsedPath) => Promise<Reply>, answered: Answered): void {
    const path = this.#path;
    if (!path) {
      this.#answerWith(says.syntax, answered);
      return;
    }
    ask(path).then(
      (reply) => this.#answerWith(reply, answered),
      (error: unknown) => this.#answerWith(this.#bug(error), answered),
    );
  }

  data(stream: SMTPServerDataStream, answered: Answered): void {
    this.#receive(stream).then(
      (reply) => reply && this.#finish(reply, answered),
      (error: unknown) => this.#finish(this.#bug(error), answered),
    );
  }

  async #receive(stream: SMTPServerDataStream): Promise<Reply | null> {
    const parser = this._parser;
    const source = stream.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
    const fault = () => (parser instanceof Input ? parser.fault : null);
    const reply = await this.#visit.data(source, fault);
    // Whatever was refused, the session stays in step: read up to the final dot, then answer.
    try {
      while ((await source.next()).done !== true);
    } catch {
      return null;
    }
    return reply;
  }

  #finish(reply: Reply, answered: Answered): void {
    this.#adjustTimeout();
    this.#isFinalReply = true;
    this.#answerWith(reply, answered);
    this.#isFinalReply = false;
    if (this.#farewell && !this._closing) this.say(this.#farewell);
  }

  #answerWith(reply: Reply, answered: Answered): void {
    this.#answer = reply;
    answered(reply.status.class === 2 ? null : new Error(reply.text));
    this.#answer = null;
  }

  #bug(error: unknown): Reply {
    this.#edge.log.error("session_failed", { session_id: this.id, error_cause: explain(error) });
    return says.failure;
  }

  // ---- output

  /** Everything that the library says goes through here; see reply.ts. */
  override send(code: number, data?: string | string[] | null, context?: string | false): void {
    if (Array.isArray(data)) super.send(code, data, false);
    else if (code === 354) super.send(code, startMail, false);
    else if (context === false && (code === 220 || code === 250))
      super.send(code, code === 220 ? greeting(this.#edge.hostname) : this.#edge.hostname, false);
    else this.say(this.#answer ?? worded(code, data ?? "", context || ""));
    this.#answer = null;
    this.#commandTimer?.refresh();
  }

  say(reply: Reply): void {
    const isRefusal = reply.status.class !== 2 && !this.#isFinalReply;
    if (isRefusal && reply.status.class === 5) this.#errors += 1;
    const last = this.#errors > this.#edge.config.max_errors ? says.tooManyErrors : reply;
    if (isRefusal) this.#edge.onEvent({ kind: "refused", reason: reasonFor(last) });
    const said = line(last);
    super.send(said.code, said.text, false);
    this.#commandTimer?.refresh();
  }

  #client(): Client {
    const { session } = this;
    const told = session.xForward.get("NAME") ?? session.xClient.get("NAME");
    const { tlsOptions } = session;
    const protocol = `${this.openingCommand === "EHLO" ? "E" : ""}SMTP${session.secure ? "S" : ""}`;
    return {
      address: session.remoteAddress,
      port: session.remotePort,
      name: typeof told === "string" && told !== "" ? told : null,
      helo: session.hostNameAppearsAs || "",
      protocol,
      tls: this._socket instanceof TLSSocket && tlsOptions ? `${this._socket.getProtocol()} ${tlsOptions.name}` : null,
    };
  }
}
