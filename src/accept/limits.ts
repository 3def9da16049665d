/** Connections in all and per client, and messages a minute per client. */
import type { SmtpConfig } from "../config-schema.ts";
import type { Reply } from "../core/status.ts";
import type { Clock } from "../observe/clock.ts";
import { clientKey } from "./networks.ts";
import { says } from "../core/replies.ts";

/** Clients whose rate is remembered; beyond, the one that has been silent longest is forgotten. */
const rememberedClients = 20_000;

/** A bucket that holds the messages of one minute and fills evenly. */
interface Bucket {
  left: number;
  at: number;
}

export class Limits {
  readonly #config: SmtpConfig;
  readonly #clock: Clock;
  readonly #connections = new Map<string, number>();
  readonly #buckets = new Map<string, Bucket>();
  #total = 0;

  constructor(config: SmtpConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
  }

  get connections(): number {
    return this.#total;
  }

  /** Counts a connection, or says why not. Each that was counted must leave. */
  enter(address: string): Reply | null {
    const key = clientKey(address);
    const ofClient = this.#connections.get(key) ?? 0;
    if (this.#total >= this.#config.max_connections) return says.tooManyConnections;
    if (ofClient >= this.#config.max_connections_per_client) return says.tooManyFromClient;
    this.#total += 1;
    this.#connections.set(key, ofClient + 1);
    return null;
  }

  leave(address: string): void {
    const key = clientKey(address);
    const left = (this.#connections.get(key) ?? 1) - 1;
    this.#total -= 1;
    if (left > 0) this.#connections.set(key, left);
    else this.#connections.delete(key);
  }

  /** Takes one message off the client's minute; false if there is none left. */
  message(address: string): boolean {
    const rate = this.#config.rate_per_client;
    if (rate === 0) return true;
    const key = clientKey(address);
    const now = this.#clock.monotonic();
    const old = this.#buckets.get(key) ?? { left: rate, at: now };
    const left = Math.min(rate, old.left + ((now - old.at) / 60_000) * rate);
    this.#buckets.delete(key);
    this.#buckets.set(key, { left: left < 1 ? left : left - 1, at: now });
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > rememberedClients && oldest !== undefined) this.#buckets.delete(oldest);
    return left >= 1;
  }
}
