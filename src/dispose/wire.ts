/** One connection as lines and replies: writes, waits for each reply with a deadline, changes to TLS. Knows nothing of mail. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { GatewayError, isGatewayError } from "../core/errors.ts";
import type { Millis } from "../core/message.ts";
import { type RawReply, ReplyReader } from "./reply-reader.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** "host:port", where an IPv6 address stands in brackets. */
export function parseHop(hop: string): Address {
  const colon = hop.lastIndexOf(":");
  return { host: hop.slice(0, colon).replace(/^\[(.*)\]$/, "$1"), port: Number(hop.slice(colon + 1)) };
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: GatewayError) => void;
  readonly timer: NodeJS.Timeout;
}

export class Wire {
  #socket: Socket;
  #reader = new ReplyReader();
  #replies: RawReply[] = [];
  /** Replies that are still to come; at first the greeting. */
  #owed = 1;
  #waiter: Waiter | null = null;
  #failure: GatewayError | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    this.#listen(true);
  }

  /** Throws NEXT_HOP_UNREACHABLE, or the signal's reason. */
  static async open(address: Address, ms: Millis, signal: AbortSignal): Promise<Wire> {
    signal.throwIfAborted();
    const socket = connect(address);
    const limit = AbortSignal.any([signal, AbortSignal.timeout(ms)]);
    try {
      await once(socket, "connect", { signal: limit });
      return new Wire(socket);
    } catch (cause) {
      socket.on("error", () => undefined).destroy();
      signal.throwIfAborted();
      throw unreachable({ stage: "connect" }, limit.aborted ? limit.reason : cause);
    }
  }

  /** False once it broke, or when something came that nobody asked for (a 421 before it closes, say). */
  get isQuiet(): boolean {
    return this.#failure === null && this.#replies.length === 0 && this.#owed === 0 && !this.#reader.pending;
  }

  /** A reply is there already. */
  get hasReply(): boolean {
    return this.#replies.length > 0;
  }

  /** Throws what it broke of, if it did. */
  check(): void {
    if (this.#failure) throw this.#failure;
  }

  /** Sends, without waiting, what so many replies are expected for. */
  send(octets: string | Uint8Array, replies = 0): void {
    this.#owed += replies;
    if (this.#failure === null) this.#socket.write(octets);
  }

  /** The reply to what is about to be sent in pieces; it may come early. */
  expect(): void {
    this.#owed++;
  }

  /** The next reply. Throws NEXT_HOP_UNREACHABLE (lost, timed out) or NEXT_HOP_PROTOCOL. */
  async read(stage: string, ms: Millis): Promise<RawReply> {
    while (this.#replies.length === 0) await this.#wait(stage, ms);
    const reply = this.#replies.shift();
    if (!reply) throw this.#failure ?? unreachable({ connected: true, stage });
    this.#owed = Math.max(0, this.#owed - 1);
    return reply;
  }

  /** Resolves when the other side has taken enough to write on, or has said something. */
  async drained(stage: string, ms: Millis): Promise<void> {
    if (!this.#socket.writableNeedDrain || this.hasReply) return;
    await this.#wait(stage, ms);
  }

  /** STARTTLS. Throws NEXT_HOP_TLS; octets that came before the handshake are an attack or nonsense. */
  async upgrade(options: ConnectionOptions, ms: Millis): Promise<void> {
    if (this.hasReply || this.#reader.pending)
      throw this.#fail(new GatewayError("NEXT_HOP_PROTOCOL", { connected: true, stage: "STARTTLS" }));
    this.#listen(false);
    const secure = connectTls({ ...options, socket: this.#socket.on("error", () => undefined) });
    this.#socket = secure;
    try {
      await once(secure, "secureConnect", { signal: AbortSignal.timeout(ms) });
    } catch (cause) {
      secure.on("error", () => undefined);
      throw this.#fail(new GatewayError("NEXT_HOP_TLS", { connected: true }, cause));
    }
    this.#listen(true);
  }

  /** "TLSv1.3 TLS_AES_256_GCM_SHA384", or null. */
  get tls(): string | null {
    if (!("getCipher" in this.#socket)) return null;
    const socket = this.#socket as TLSSocket;
    return `${socket.getProtocol() ?? "TLS"} ${socket.getCipher().standardName}`;
  }

  get peer(): string {
    return this.#socket.remoteAddress ?? "";
  }

  /** At once; whoever waits gets an error. */
  destroy(): void {
    this.#fail(unreachable({ connected: true, stage: "closed by us" }));
  }

  /** Without waiting for the answer: nothing depends on it. RFC 5321 §4.1.1.10. */
  quit(): void {
    if (this.#failure) return;
    this.#failure = unreachable({ connected: true, stage: "QUIT" });
    this.#socket.off("data", this.#onData).resume();
    this.#socket.end("QUIT\r\n");
    const socket = this.#socket;
    setTimeout(() => socket.destroy(), 1_000).unref();
  }

  #listen(on: boolean): void {
    const change = (event: string, listener: (argument?: unknown) => void): void =>
      void (on ? this.#socket.on(event, listener) : this.#socket.off(event, listener));
    change("data", this.#onData);
    change("error", this.#onLost);
    change("close", this.#onLost);
    change("end", this.#onLost);
    change("drain", this.#onDrain);
  }

  readonly #onData = (chunk: unknown): void => this.#take(chunk as Buffer);
  readonly #onDrain = (): void => this.#wake();
  readonly #onLost = (cause?: unknown): void =>
    void this.#fail(unreachable({ connected: true, stage: "lost" }, cause instanceof Error ? cause : undefined));

  #take(chunk: Buffer): void {
    try {
      for (const reply of this.#reader.feed(chunk)) this.#replies.push(reply);
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      this.#fail(error);
      return;
    }
    // Unasked replies would shift all later ones; only 421 may come at any time (RFC 5321 §3.8).
    if (this.#replies.length > this.#owed && this.#replies.at(-1)?.code !== 421)
      this.#fail(new GatewayError("NEXT_HOP_PROTOCOL", { connected: true, what: "a reply that was not asked for" }));
    else if (this.hasReply) this.#wake();
  }

  #wait(stage: string, ms: Millis): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      const timeOut = (): void => void this.#fail(unreachable({ connected: true, stage, timed_out_ms: ms }));
      this.#waiter = { resolve, reject, timer: setTimeout(timeOut, ms) };
    });
  }

  #wake(): void {
    const waiter = this.#waiter;
    if (!waiter) return;
    this.#waiter = null;
    clearTimeout(waiter.timer);
    waiter.resolve();
  }

  #fail(error: GatewayError): GatewayError {
    this.#failure ??= error;
    this.#socket.destroy();
    const waiter = this.#waiter;
    this.#waiter = null;
    clearTimeout(waiter?.timer);
    waiter?.reject(this.#failure);
    return this.#failure;
  }
}

const unreachable = (detail: Readonly<Record<string, unknown>>, cause?: unknown): GatewayError =>
  new GatewayError("NEXT_HOP_UNREACHABLE", detail, cause);
