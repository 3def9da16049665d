/** What stands in Redis beside BullMQ's own keys: results, who waits for them, which workers are alive. Each change is one script, so that nobody comes in between. */
import type { Bytes, Millis } from "../core/message.ts";
import type { Connection } from "./redis.ts";

/** Below this age by the clock of Redis a worker counts as alive. */
const aliveMs: Millis = 5_000;
const forgottenMs: Millis = 60_000;
const wantedMs: Millis = 3_600_000;
/** Longest result that is told; of others only that they are there. */
const travels: Bytes = 16 * 1024;

/** A lasting result is given at once; one of the moment was for those who waited then. */
const askScript = `
local found = redis.call('GET', KEYS[1])
if found then
  if string.sub(found, 1, 1) == 'L' then return found end
  redis.call('DEL', KEYS[1])
end
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return false`;
const leaveScript = `
redis.call('SREM', KEYS[1], ARGV[1])
if redis.call('SCARD', KEYS[1]) > 0 then return 0 end
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 1`;
/** A result that is short travels with the news of it. */
const answerScript = `
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if ARGV[3] == '' then return 0 end
local news = ARGV[4]
if #ARGV[1] <= tonumber(ARGV[5]) then news = news .. '\\n' .. string.sub(ARGV[1], 2) end
for _, one in ipairs(redis.call('SMEMBERS', KEYS[2])) do redis.call('PUBLISH', ARGV[3] .. one, news) end
redis.call('DEL', KEYS[2])
return 1`;
const wakeScript = `
for _, one in ipairs(redis.call('SMEMBERS', KEYS[1])) do redis.call('PUBLISH', ARGV[1] .. one, ARGV[2]) end
return 1`;
const beatScript = `
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', ms) .. ' ' .. ARGV[2])
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local at = tonumber(string.match(all[i + 1], '^%d+'))
  if not at or ms - at > tonumber(ARGV[3]) then redis.call('HDEL', KEYS[1], all[i]) end
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1`;
/** Writes as well, so that a Redis that is full does not look well. */
const lookScript = `
redis.call('SET', KEYS[2], '1', 'PX', 10000)
local now = redis.call('TIME')
return {string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000)), redis.call('HGETALL', KEYS[1])}`;

/** What a worker tells every second. */
export interface Beat {
  readonly fit: string;
  readonly slots: number;
  readonly busy: number;
}

export interface Found {
  readonly lasting: boolean;
  readonly sealed: Buffer;
}

type Script = (...args: readonly (string | number | Buffer)[]) => Promise<unknown>;

function isBeat(value: unknown): value is Beat {
  return typeof value === "object" && value !== null && "fit" in value && typeof value.fit === "string";
}

function parseBeat(text: string, now: Millis): Beat | null {
  const space = text.indexOf(" ");
  if (now - Number(text.slice(0, space)) > aliveMs) return null;
  try {
    const beat: unknown = JSON.parse(text.slice(space + 1));
    return isBeat(beat) ? beat : null;
  } catch {
    return null;
  }
}

/** What a channel says: whose job is done, or left, and its result if that was short. */
export function readNews(news: Buffer): { readonly id: string; readonly sealed: Buffer | null } {
  const end = news.indexOf(10);
  return end < 0
    ? { id: news.toString(), sealed: null }
    : { id: news.toString("latin1", 0, end), sealed: news.subarray(end + 1) };
}

export class Ledger {
  readonly #redis: Connection;
  readonly #prefix: string;
  readonly #me: string;
  readonly #scripts = new Map<string, Script>();

  /** `me`: this process among all. */
  constructor(redis: Connection, prefix: string, me: string) {
    this.#redis = redis;
    this.#prefix = prefix;
    this.#me = me;
    this.#define("ask", 2, askScript);
    this.#define("leave", 1, leaveScript);
    this.#define("answer", 2, answerScript);
    this.#define("wake", 1, wakeScript);
    this.#define("beat", 1, beatScript);
    this.#define("look", 2, lookScript);
  }

  /** Where this process hears of results. */
  get doneChannel(): string {
    return `${this.#prefix}:done:${this.#me}`;
  }

  /** Where workers hear that nobody waits for a job any more. */
  get leftChannel(): string {
    return `${this.#prefix}:left`;
  }

  /** The lasting result, if there is one; else this process waits for it from now on. */
  async ask(id: string): Promise<Buffer | null> {
    const found = await this.#run("ask", this.#result(id), this.#want(id), this.#me, wantedMs);
    return Buffer.isBuffer(found) ? found.subarray(1) : null;
  }

  /** True if nobody waits for it any more; its worker has been told. */
  async leave(id: string): Promise<boolean> {
    return (await this.#run("leave", this.#want(id), this.#me, this.leftChannel, id)) === 1;
  }

  /** What there is of these, in their order. */
  async collect(ids: readonly string[]): Promise<readonly (Found | null)[]> {
    const found = await this.#redis.mgetBuffer(...ids.map((id) => this.#result(id)));
    return found.map((octets) => (octets ? { lasting: octets[0] === 0x4c, sealed: octets.subarray(1) } : null));
  }

  /** Of a lasting result those who wait hear at once; of others when the job has left the queue (`wake`), else they would meet it there when they ask again. */
  async answer(id: string, sealed: Buffer, lasting: boolean, ttlMs: Millis): Promise<void> {
    const value = Buffer.concat([Buffer.from(lasting ? "L" : "M"), sealed]);
    await this.#run(
      "answer",
      this.#result(id),
      this.#want(id),
      value,
      ttlMs,
      lasting ? `${this.#prefix}:done:` : "",
      id,
      travels,
    );
  }

  async wake(id: string): Promise<void> {
    await this.#run("wake", this.#want(id), `${this.#prefix}:done:`, id);
  }

  async beat(beat: Beat): Promise<void> {
    await this.#run("beat", this.#workers, this.#me, JSON.stringify(beat), forgottenMs);
  }

  async gone(): Promise<void> {
    await this.#redis.hdel(this.#workers, this.#me);
  }

  /** Rejects when Redis is away, or takes nothing. */
  async look(): Promise<readonly Beat[]> {
    const [now, all] = (await this.#run("look", this.#workers, `${this.#prefix}:here:${this.#me}`)) as [
      Buffer,
      Buffer[],
    ];
    const ms = Number(now.toString());
    return all.flatMap((text, i) => (i % 2 === 1 ? (parseBeat(text.toString(), ms) ?? []) : []));
  }

  get #workers(): string {
    return `${this.#prefix}:workers`;
  }

  #result(id: string): string {
    return `${this.#prefix}:result:${id}`;
  }

  #want(id: string): string {
    return `${this.#prefix}:want:${id}`;
  }

  #define(name: string, numberOfKeys: number, lua: string): void {
    const command = `sallyport_${name}`;
    this.#redis.defineCommand(command, { numberOfKeys, lua });
    const run: unknown = Reflect.get(this.#redis, `${command}Buffer`);
    if (typeof run !== "function") throw new TypeError(`no command ${command}`);
    this.#scripts.set(name, (run as Script).bind(this.#redis));
  }

  #run(name: string, ...args: readonly (string | number | Buffer)[]): Promise<unknown> {
    const script = this.#scripts.get(name);
    if (!script) throw new TypeError(`no script ${name}`);
    return script(...args);
  }
}
