/** One SMTP session with a next hop, ready for transactions: greeting, EHLO or HELO, STARTTLS. RFC 5321 §3.1, RFC 3207. */
import { isIP } from "node:net";
import type { RouteConfig } from "../config-schema.ts";
import { GatewayError, isGatewayError } from "../core/errors.ts";
import type { Millis } from "../core/message.ts";
import type { Reply } from "../core/status.ts";
import { type RawReply, toReply } from "./reply-reader.ts";
import { parseHop, Wire } from "./wire.ts";

/** What of a route matters for talking to its next hops. */
export type HopPolicy = Pick<RouteConfig, "tls" | "pass_client" | "connections" | "timeouts">;

export interface Target {
  /** host:port */
  readonly hop: string;
  /** Our name in EHLO. */
  readonly hostname: string;
  readonly policy: HopPolicy;
  /** PEM of the authorities that `tls: verified` trusts; those of Node without. */
  readonly ca?: string | undefined;
}

const classOf = (raw: RawReply): number => Math.floor(raw.code / 100);

export class SmtpClient {
  readonly target: Target;
  readonly wire: Wire;
  /** Keyword in capitals → parameters, of the last EHLO. */
  extensions: ReadonlyMap<string, string> = new Map();
  greeting = "";
  /** Transactions begun. */
  served = 0;
  /** The hop has said something (but 421) since `begin()`: what happens now is no matter of a stale connection. */
  answered = false;
  /** A transaction is perhaps still open at the hop: RSET before the next. */
  isDirty = false;
  /** Not for another transaction. */
  isSpent = false;

  private constructor(target: Target, wire: Wire) {
    this.target = target;
    this.wire = wire;
  }

  /** Throws NEXT_HOP_UNREACHABLE, NEXT_HOP_PROTOCOL, NEXT_HOP_TLS, or the signal's reason. */
  static async open(target: Target, signal: AbortSignal): Promise<SmtpClient> {
    const { tls } = target.policy;
    try {
      return await SmtpClient.#open(target, tls, signal);
    } catch (error) {
      // Opportunistic means: encryption if it works (RFC 7435); a broken handshake must not stop mail.
      if (tls !== "opportunistic" || !isGatewayError(error, "NEXT_HOP_TLS")) throw error;
      return SmtpClient.#open(target, "none", signal);
    }
  }

  static async #open(target: Target, tls: HopPolicy["tls"], signal: AbortSignal): Promise<SmtpClient> {
    const wire = await Wire.open(parseHop(target.hop), target.policy.timeouts.connect, signal);
    const client = new SmtpClient(target, wire);
    const abort = (): void => wire.destroy();
    signal.addEventListener("abort", abort);
    try {
      await client.#greet();
      await client.hello();
      if (await client.#secure(tls)) await client.hello();
      return client;
    } catch (error) {
      wire.destroy();
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  offers(extension: string): boolean {
    return this.extensions.has(extension);
  }

  begin(): void {
    this.served++;
    this.answered = false;
  }

  /** The next reply; 421 is thrown as NEXT_HOP_UNREACHABLE, since the connection ends with it (RFC 5321 §3.8). */
  async read(stage: string, ms: Millis = this.target.policy.timeouts.command): Promise<RawReply> {
    const raw = await this.wire.read(stage, ms);
    if (raw.code === 421) throw new GatewayError("NEXT_HOP_UNREACHABLE", { connected: true, stage, ...quoted(raw) });
    this.answered = true;
    return raw;
  }

  async ask(command: string, ms?: Millis): Promise<RawReply> {
    this.wire.send(`${command}\r\n`, 1);
    return this.read(command.slice(0, 8).trimEnd(), ms);
  }

  /**
   * Sends a group of commands at once where the hop has PIPELINING (RFC 2920), else each when its reply is asked for.
   * Returns what gives their replies, in order. What an earlier transaction left open is given up first.
   */
  group(commands: readonly string[]): () => Promise<RawReply> {
    const isPipelined = this.offers("PIPELINING");
    const wasDirty = this.isDirty;
    this.isDirty = true;
    if (isPipelined) {
      const all = wasDirty ? ["RSET", ...commands] : commands;
      this.wire.send(`${all.join("\r\n")}\r\n`, all.length);
    }
    const next = (command: string): Promise<RawReply> => {
      if (!isPipelined) this.wire.send(`${command}\r\n`, 1);
      return this.read(command.slice(0, 4));
    };
    let sent = 0;
    return async () => {
      if (sent === 0 && wasDirty && classOf(await next("RSET")) !== 2)
        throw new GatewayError("NEXT_HOP_PROTOCOL", { connected: true, stage: "RSET" });
      return next(commands[sent++] ?? "NOOP");
    };
  }

  /** EHLO, or HELO with those who do not know it (RFC 5321 §3.2). */
  async hello(name = this.target.hostname): Promise<void> {
    const ehlo = await this.ask(`EHLO ${name}`);
    if (classOf(ehlo) === 2) {
      this.extensions = parseExtensions(ehlo.lines);
      return;
    }
    this.extensions = new Map();
    const helo = classOf(ehlo) === 5 ? await this.ask(`HELO ${name}`) : ehlo;
    if (classOf(helo) !== 2) throw refused("EHLO", helo);
  }

  async #greet(): Promise<void> {
    const raw = await this.read("greeting");
    if (raw.code !== 220) throw refused("greeting", raw);
    this.greeting = raw.lines[0] ?? "";
  }

  /** True if the session is now encrypted; all that was learnt before is then void (RFC 3207 §4.2). */
  async #secure(mode: HopPolicy["tls"]): Promise<boolean> {
    if (mode === "none") return false;
    const offered = this.offers("STARTTLS");
    if (offered && (await this.ask("STARTTLS")).code === 220) {
      const { host } = parseHop(this.target.hop);
      const name = isIP(host) === 0 ? { host, servername: host } : { host };
      const options = { ...name, rejectUnauthorized: mode === "verified", ca: this.target.ca };
      await this.wire.upgrade(options, this.target.policy.timeouts.connect);
      return true;
    }
    if (mode === "opportunistic") return false;
    throw new GatewayError("NEXT_HOP_TLS", { connected: true, why: offered ? "STARTTLS was refused" : "not offered" });
  }
}

const refused = (stage: string, raw: RawReply): GatewayError =>
  new GatewayError("NEXT_HOP_UNREACHABLE", { stage, ...quoted(raw) });

/** `said` is for the log. A 4yz is passed on; that a hop refuses us for good is a matter for its admin or ours, not for the sender. */
function quoted(raw: RawReply): { readonly said: string; readonly reply?: Reply } {
  const said = `${raw.code} ${raw.lines.join(" ")}`.slice(0, 200);
  return classOf(raw) === 4 ? { said, reply: toReply(raw) } : { said };
}

function parseExtensions(lines: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of lines.slice(1)) {
    const [, keyword, parameters = ""] = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:[ =]+(.*))?$/.exec(line) ?? [];
    if (keyword !== undefined) found.set(keyword.toUpperCase(), parameters.trim());
  }
  return found;
}
