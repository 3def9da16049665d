/** Letters from node to node over Redis: left in a box, taken once, answered once, forgotten after a while. Who writes them seals them. */
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { GatewayError } from "../core/errors.ts";
import type { Millis } from "../core/message.ts";
import { type Connection, connectRedis, isUp, type RedisSettings } from "./redis.ts";

const connectMs: Millis = 5_000;
const lookMs: Millis = 50;
const waitSeconds = 5;
/** A wait that takes longer will not end: the network swallows it. */
const silentMs: Millis = 10_000;
/** Of the box itself; what lies in it has gone long before. */
const boxMs: Millis = 86_400_000;

const away = (cause?: unknown): GatewayError =>
  new GatewayError("COMMANDS_UNAVAILABLE", { remedy: "sallyport doctor says what is wrong with Redis" }, cause);

async function unlessAway<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw away(error);
  }
}

/** All throw COMMANDS_UNAVAILABLE when Redis is away. */
export class RedisPost {
  readonly #settings: RedisSettings;
  readonly #redis: Connection;
  #waiting: Connection | null = null;
  /** A connection that is just away forgets what waits on it when it is closed. */
  readonly #end = Promise.withResolvers<null>();
  #closed = false;

  constructor(settings: RedisSettings) {
    this.#settings = settings;
    this.#redis = connectRedis(settings, "ask");
  }

  #key(kind: string, name: string): string {
    return `${this.#settings.prefix}:${kind}:${name}`;
  }

  async #up(): Promise<Connection> {
    const until = Date.now() + connectMs;
    while (!isUp(this.#redis)) {
      if (this.#closed || Date.now() > until) throw away();
      await sleep(lookMs);
    }
    return this.#redis;
  }

  /** `ttlMs`: nobody gets it later. */
  async leave(box: string, id: string, letter: Buffer, ttlMs: Millis): Promise<void> {
    const redis = await this.#up();
    await unlessAway(async () => {
      await redis.set(this.#key("letter", id), letter, "PX", ttlMs);
      await redis.rpush(this.#key("box", box), id);
      await redis.pexpire(this.#key("box", box), boxMs);
    });
  }

  /** True: nobody has had it, and nobody will. */
  async takeBack(id: string): Promise<boolean> {
    const redis = await this.#up();
    return unlessAway(async () => (await redis.del(this.#key("letter", id))) === 1);
  }

  /** Waits for some seconds; null if none came, or it had been taken back. */
  async next(box: string): Promise<{ readonly id: string; readonly letter: Buffer } | null> {
    this.#waiting ??= connectRedis(this.#settings, "wait");
    const waiting = this.#waiting;
    const doubt = setTimeout(() => {
      if (waiting instanceof Redis) waiting.disconnect(true);
    }, silentMs);
    try {
      const found = await unlessAway(() =>
        Promise.race([waiting.blpop(this.#key("box", box), waitSeconds), this.#end.promise]),
      );
      const id = found?.[1];
      if (id === undefined) return null;
      const redis = await this.#up();
      const letter = await unlessAway(() => redis.getdelBuffer(this.#key("letter", id)));
      return letter && { id, letter };
    } finally {
      clearTimeout(doubt);
    }
  }

  async answer(id: string, answer: Buffer, ttlMs: Millis): Promise<void> {
    const redis = await this.#up();
    await unlessAway(() => redis.set(this.#key("answer", id), answer, "PX", ttlMs));
  }

  /** Null if there is none in this time. */
  async answerTo(id: string, withinMs: Millis): Promise<Buffer | null> {
    const until = Date.now() + withinMs;
    while (Date.now() < until) {
      const redis = await this.#up();
      const answer = await unlessAway(() => redis.getdelBuffer(this.#key("answer", id)));
      if (answer) return answer;
      await sleep(lookMs);
    }
    return null;
  }

  close(): void {
    this.#closed = true;
    this.#end.resolve(null);
    this.#redis.disconnect();
    this.#waiting?.disconnect();
  }
}
