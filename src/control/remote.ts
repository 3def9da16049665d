/** Requests to the gateway that owns a message, wherever it runs: sealed, carried once, answered once, and the same answer to the same request again. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { explain, GatewayError } from "../core/errors.ts";
import type { Millis } from "../core/message.ts";
import type { Clock } from "../observe/clock.ts";
import type { Log } from "../observe/log.ts";
import type { Seal } from "../seal.ts";
import { asError } from "./client.ts";
import { maxLine, type Request, type Response } from "./protocol.ts";
import { type Handler, perform } from "./server.ts";

/** How letters travel; src/queue/post.ts is the implementation. All throw COMMANDS_UNAVAILABLE. */
export interface Post {
  leave(box: string, id: string, letter: Buffer, ttlMs: Millis): Promise<void>;
  takeBack(id: string): Promise<boolean>;
  next(box: string): Promise<{ readonly id: string; readonly letter: Buffer } | null>;
  answer(id: string, answer: Buffer, ttlMs: Millis): Promise<void>;
  answerTo(id: string, withinMs: Millis): Promise<Buffer | null>;
}

interface Letter extends Request {
  /** RFC 3339, by the asker's clock. */
  readonly at: string;
}

export interface AskOptions {
  readonly post: Post;
  readonly seal: Seal;
  readonly node: string;
  /** The same id again gets the same answer, and nothing is done twice. */
  readonly id?: string;
  readonly withinMs?: Millis;
}

const patienceMs: Millis = 20_000;
const answerMs: Millis = 60_000;
/** The letter outlives our patience, so that taking it back tells whether anybody has had it. */
const graceMs: Millis = 10_000;
/** Who has the key of the letters' box but not ours could keep one and send it again: not after this. Clocks may differ by less. */
const oldestMs: Millis = 3_600_000;
const rememberedMs: Millis = 86_400_000;
const mostRemembered = 10_000;
const atOnce = 8;
const againMs: Millis = 1_000;

const asked = (node: string, id: string): string => `command ${node} ${id}`;
const answered = (id: string): string => `answer ${id}`;
const boxOf = (seal: Seal, node: string): string => seal.nameOf(node).slice(0, 32);

/** Throws what the owner says is wrong; COMMANDS_UNAVAILABLE; OWNER_SILENT, which says whether it may have been done. */
export async function askRemote(request: Request, options: AskOptions): Promise<unknown> {
  const { post, seal, node, id = randomUUID(), withinMs = patienceMs } = options;
  const letter: Letter = { ...request, at: new Date().toISOString() };
  await post.leave(
    boxOf(seal, node),
    id,
    seal.seal(Buffer.from(JSON.stringify(letter)), asked(node, id)),
    withinMs + graceMs,
  );
  const sealed = await post.answerTo(id, withinMs);
  if (!sealed) {
    const untouched = await post.takeBack(id).catch(() => false);
    throw new GatewayError("OWNER_SILENT", {
      node,
      done: untouched ? "no, and it will not be" : "perhaps: it was taken; look again before you repeat it",
      remedy: `start ${node}; if it is lost for good: sallyport adopt ${node}`,
    });
  }
  const response = JSON.parse(seal.open(sealed, answered(id)).toString("utf8")) as Response;
  if (response.ok) return response.value;
  throw asError(response.error);
}

export interface ServeOptions {
  readonly post: Post;
  readonly seal: Seal;
  readonly node: string;
  readonly handlers: ReadonlyMap<string, Handler>;
  /** Change nothing, so they need not be remembered. */
  readonly looks: ReadonlySet<string>;
  readonly clock: Clock;
  readonly log: Log;
}

/** What was done for which id, for a day. */
class Memory {
  readonly #done = new Map<string, { readonly at: Millis; readonly response: Promise<Response> }>();

  once(id: string, now: Millis, make: () => Promise<Response>): Promise<Response> {
    for (const [old, { at }] of this.#done) {
      if (now - at < rememberedMs && this.#done.size < mostRemembered) break;
      this.#done.delete(old);
    }
    const known = this.#done.get(id);
    if (known) return known.response;
    const response = make();
    this.#done.set(id, { at: now, response });
    return response;
  }
}

/** Answers until it is closed; Redis may come and go. */
export function serveRemote({ post, seal, node, handlers, looks, clock, log }: ServeOptions) {
  const memory = new Memory();
  const running = new Set<Promise<void>>();
  const stop = new AbortController();
  let isAway = false;

  async function respond(id: string, sealed: Buffer): Promise<void> {
    const { at, ...request } = JSON.parse(seal.open(sealed, asked(node, id)).toString("utf8")) as Letter;
    if (!(Math.abs(clock.now().getTime() - Date.parse(at)) < oldestMs))
      throw new GatewayError("OWNER_SILENT", { why: "the command is too old, or the clocks differ by an hour" });
    const work = (): Promise<Response> => perform(request, handlers);
    const response = await (looks.has(request.command) ? work() : memory.once(id, clock.now().getTime(), work));
    const text = JSON.stringify(response);
    const told: Response = {
      ok: false,
      error: { code: "CONTROL_FAILED", detail: { problem: "the answer is too long" } },
    };
    const octets = Buffer.from(text.length > maxLine ? JSON.stringify(told) : text);
    await post.answer(id, seal.seal(octets, answered(id)), answerMs);
  }

  async function turn(): Promise<void> {
    const found = await post.next(boxOf(seal, node));
    if (isAway) log.info("commands_back");
    isAway = false;
    if (!found) return;
    const { id, letter } = found;
    const one = respond(id, letter)
      .catch((error: unknown) => log.warn("command_refused", { error_cause: explain(error) }))
      .finally(() => running.delete(one));
    running.add(one);
    if (running.size >= atOnce) await Promise.race(running);
  }

  async function serve(): Promise<void> {
    while (!stop.signal.aborted)
      try {
        await turn();
      } catch (error) {
        if (stop.signal.aborted) return;
        if (!isAway) log.warn("commands_away", { error_cause: explain(error) });
        isAway = true;
        await sleep(againMs, undefined, { signal: stop.signal }).catch(() => undefined);
      }
  }
  const serving = serve();
  return {
    /** `hangUp` ends the wait for the next one. */
    async close(hangUp: () => void): Promise<void> {
      stop.abort();
      await Promise.all(running);
      hangUp();
      await serving;
    },
  };
}
