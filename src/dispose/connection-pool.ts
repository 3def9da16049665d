/** The connections to one next hop of one route: at most so many, used again while they are fresh, and whether the hop is worth trying. */
import { GatewayError } from "../core/errors.ts";
import type { Millis } from "../core/message.ts";
import type { Clock } from "../observe/clock.ts";
import { isHopError } from "./failure.ts";
import { Permits } from "./permits.ts";
import { SmtpClient, type Target } from "./smtp-client.ts";

const idleMs: Millis = 30_000;
/** Transactions on one connection; then it is closed, so that a balancer in between can move us. */
const mostServed = 500;
const firstPauseMs: Millis = 1_000;
const longestPauseMs: Millis = 30_000;

export interface PoolEvents {
  connected(client: SmtpClient, elapsedMs: Millis): void;
  unreachable(error: GatewayError, pauseMs: Millis): void;
}

interface Idle {
  readonly client: SmtpClient;
  readonly timer: NodeJS.Timeout;
}

export class ConnectionPool {
  readonly target: Target;
  readonly #clock: Clock;
  readonly #events: PoolEvents;
  readonly #permits: Permits;
  readonly #closing = new AbortController();
  #idle: Idle[] = [];
  #inUse = new Set<SmtpClient>();
  /** The last failure to connect, until one succeeds. */
  #failed: { readonly error: GatewayError; readonly pauseMs: Millis; readonly until: number } | null = null;
  #isTrying = false;

  constructor(target: Target, clock: Clock, events: PoolEvents) {
    this.target = target;
    this.#clock = clock;
    this.#events = events;
    this.#permits = new Permits(target.policy.connections);
  }

  /** Why there is no point in trying now, or null. After the pause one connection at a time finds out whether the hop is back. */
  get down(): GatewayError | null {
    if (!this.#failed) return null;
    return this.#isTrying || this.#clock.monotonic() < this.#failed.until ? this.#failed.error : null;
  }

  /**
   * Gives `work` a connection. Should one from an earlier transaction turn out dead before the hop has said anything, `work` runs
   * once more on a new one. Throws NEXT_HOP_…, the signal's reason, and what `work` throws.
   */
  async use<T>(signal: AbortSignal, work: (client: SmtpClient) => Promise<T>): Promise<T> {
    if (this.down) throw this.down;
    await this.#permits.take(signal);
    try {
      const used = this.#takeIdle();
      if (used) {
        try {
          return await this.#run(used, work);
        } catch (error) {
          if (!isHopError(error) || used.answered) throw error;
        }
      }
      return await this.#run(await this.#open(signal), work);
    } finally {
      this.#permits.give();
    }
  }

  /** Idle connections are ended politely, others cut: whoever uses them gets NEXT_HOP_UNREACHABLE. */
  close(): void {
    const reason = new GatewayError("NEXT_HOP_UNREACHABLE", { why: "closing" });
    this.#closing.abort(reason);
    this.#permits.close(reason);
    for (const { client, timer } of this.#idle.splice(0)) {
      clearTimeout(timer);
      client.wire.quit();
    }
    for (const client of this.#inUse) client.wire.destroy();
  }

  async #open(signal: AbortSignal): Promise<SmtpClient> {
    if (this.down) throw this.down;
    const began = this.#clock.monotonic();
    this.#isTrying = this.#failed !== null;
    try {
      const client = await SmtpClient.open(this.target, AbortSignal.any([signal, this.#closing.signal]));
      this.#failed = null;
      this.#events.connected(client, this.#clock.monotonic() - began);
      return client;
    } catch (error) {
      if (isHopError(error) && !this.#closing.signal.aborted) this.#pause(error);
      throw error;
    } finally {
      this.#isTrying = false;
    }
  }

  /** A hop that serves us on other connections is not down: it has had enough of them. */
  #pause(error: GatewayError): void {
    if (this.#inUse.size + this.#idle.length > 0) return;
    const now = this.#clock.monotonic();
    const alreadyPaused = this.#failed !== null && now < this.#failed.until;
    if (alreadyPaused) return;
    const pauseMs = Math.min(longestPauseMs, this.#failed ? this.#failed.pauseMs * 2 : firstPauseMs);
    this.#failed = { error, pauseMs, until: now + pauseMs };
    this.#events.unreachable(error, pauseMs);
  }

  async #run<T>(client: SmtpClient, work: (client: SmtpClient) => Promise<T>): Promise<T> {
    this.#inUse.add(client);
    client.begin();
    try {
      const result = await work(client);
      this.#inUse.delete(client);
      this.#keep(client);
      return result;
    } catch (error) {
      this.#inUse.delete(client);
      client.wire.destroy();
      throw error;
    }
  }

  #keep(client: SmtpClient): void {
    if (this.#closing.signal.aborted || client.isSpent || client.served >= mostServed || !client.wire.isQuiet) {
      client.wire.quit();
      return;
    }
    const timer = setTimeout(() => {
      this.#idle = this.#idle.filter((idle) => idle.client !== client);
      client.wire.quit();
    }, idleMs);
    this.#idle.push({ client, timer: timer.unref() });
  }

  /** The one used last: the others may then run out of time. */
  #takeIdle(): SmtpClient | null {
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      clearTimeout(idle.timer);
      if (idle.client.wire.isQuiet) return idle.client;
      idle.client.wire.quit();
    }
    return null;
  }
}
