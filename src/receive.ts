/** Between the final dot and its reply: carries the message, watches the deadline, and answers the client once. */
import { isGatewayError } from "./core/errors.ts";
import type { Millis } from "./core/message.ts";
import { queuedAs, says } from "./core/replies.ts";
import type { Reply } from "./core/status.ts";
import { Turn } from "./core/turn.ts";
import type { Replies } from "./pipeline.ts";
import type { Entry } from "./spool/spool.ts";

export interface ReceiveOptions {
  readonly carry: (entry: Entry, turn: Turn, signal: AbortSignal) => Promise<Replies>;
  /** When no scanner answers; see `on_scanner_failure`. */
  readonly unscanned: (entry: Entry, turn: Turn, signal: AbortSignal) => Promise<Replies>;
  readonly claim: (entry: Entry, to: "incoming" | "active") => Promise<void>;
  readonly isOurs: (entry: Entry) => boolean;
  /** `reply_after: spool` for every route of the message. */
  readonly atOnce: (entry: Entry) => boolean;
  readonly deadlineMs: (entry: Entry) => Millis;
  /** Takes over a message in `incoming`. */
  readonly enqueue: (entry: Entry) => void;
  /** Takes over a message in `active` whose work goes on, if nobody has yet; may abort it when the gateway stops. */
  readonly adopt: (entry: Entry, work: Promise<unknown>, abort: AbortController) => void;
  /** Keeps room for it among the active messages; false if there is none, or none for its route. */
  readonly takeRoom: (entry: Entry) => boolean;
  /** Gives back what `takeRoom` has kept: it was not claimed after all. */
  readonly giveRoom: (entry: Entry) => void;
  readonly onBug: (entry: Entry, error: unknown) => void;
}

const ok = (entry: Entry): Reply => queuedAs(entry.id);

/** Between two looks at a message that was on its way when its deadline came. */
const againMs: Millis = 200;

/** Why the work on a message was ended from outside, and what its client is to hear if nothing better is known by then. */
class Ended extends Error {
  readonly reply: Reply;

  constructor(answer: Reply) {
    super(answer.text);
    this.reply = answer;
  }
}

const scannerIsDown = (error: unknown): boolean =>
  isGatewayError(error, "SCANNER_UNAVAILABLE") || isGatewayError(error, "QUEUE_UNAVAILABLE");
const spoolFails = (error: unknown): boolean =>
  isGatewayError(error, "SPOOL_FULL") || isGatewayError(error, "SPOOL_UNWRITABLE");

/** One reply for all forward-paths: a temporary refusal wins over a final one, so that nothing is given up too early (R8). */
function combine(replies: Replies): Reply {
  const all = [...replies.values()];
  return (
    all.find((one) => one.status.class === 4) ?? all.find((one) => one.status.class === 5) ?? all[0] ?? says.failure
  );
}

export function createReceive(options: ReceiveOptions) {
  async function afterSpooling(entry: Entry): Promise<Reply> {
    try {
      await options.claim(entry, "incoming");
    } catch (error) {
      if (!spoolFails(error)) throw error;
      return says.noSpace;
    }
    options.enqueue(entry);
    return ok(entry);
  }

  async function carry(entry: Entry, turn: Turn, signal: AbortSignal): Promise<Replies> {
    try {
      return await options.carry(entry, turn, signal);
    } catch (error) {
      if (!isGatewayError(error, "SPOOL_NOT_THERE")) throw error;
      // The deadline's claim has moved the octets away under the eyes of a worker: once more, from where they lie now.
      await turn.quiet;
      if (!options.isOurs(entry) || entry.state !== "active") throw error;
      return options.carry(entry, turn, signal);
    }
  }

  async function work(entry: Entry, turn: Turn, signal: AbortSignal): Promise<Reply> {
    let replies: Replies;
    try {
      replies = await carry(entry, turn, signal);
    } catch (error) {
      if (!scannerIsDown(error)) throw error;
      replies = await options.unscanned(entry, turn, signal);
    }
    return options.isOurs(entry) ? ok(entry) : combine(replies);
  }

  /** What goes wrong while the client waits: it keeps the message and comes back, unless it is ours; then it is tried again. */
  async function excuse(entry: Entry, turn: Turn, stop: AbortController, error: unknown): Promise<Reply> {
    const { signal } = stop;
    // Not before the deadline's claim is done: what is ours must not be removed.
    await turn.takeOrWait();
    const known = signal.aborted || spoolFails(error);
    if (!known) options.onBug(entry, error);
    if (options.isOurs(entry)) {
      options.adopt(entry, Promise.resolve(), stop);
      return ok(entry);
    }
    if (entry.state !== "gone") await entry.remove();
    if (signal.reason instanceof Ended) return signal.reason.reply;
    return spoolFails(error) ? says.noSpace : says.failure;
  }

  /** Resolves when the deadline has made the message ours, or never: what it cannot claim is ended, and its work answers. */
  function deadline(
    entry: Entry,
    turn: Turn,
    running: Promise<unknown>,
    stop: AbortController,
  ): { readonly reply: Promise<Reply>; cancel(): void } {
    const { promise, resolve } = Promise.withResolvers<Reply>();
    let timer: NodeJS.Timeout;
    const goOn = (): void => {
      options.adopt(entry, running, stop);
      resolve(ok(entry));
    };
    const due = async (): Promise<void> => {
      // Claimed before our final dot to the next hop, which takes its time now (R8).
      if (options.isOurs(entry)) return goOn();
      // About to answer, or to claim and then to wait for the next hop.
      if (turn.taken) return arm(againMs);
      // Before the claim, which takes its time: many deadlines come at once.
      if (!options.takeRoom(entry)) return stop.abort(new Ended(says.overloaded));
      turn.take();
      try {
        await turn.claiming(options.claim(entry, "active"));
      } catch (error) {
        options.giveRoom(entry);
        if (!spoolFails(error)) options.onBug(entry, error);
        return stop.abort(new Ended(spoolFails(error) ? says.noSpace : says.failure));
      }
      goOn();
    };
    const arm = (ms: Millis): void => {
      timer = setTimeout(() => void due(), ms).unref();
    };
    arm(options.deadlineMs(entry));
    return { reply: promise, cancel: () => clearTimeout(timer) };
  }

  /** Resolves with what the client is to hear; never rejects for anything that mail, a next hop or a disk can do. */
  return async function receive(entry: Entry, clientGone: AbortSignal): Promise<Reply> {
    if (options.atOnce(entry)) return afterSpooling(entry);
    const turn = new Turn();
    const stop = new AbortController();
    const onGone = (): void => {
      if (!turn.taken) stop.abort(new Ended(says.clientGone));
    };
    if (clientGone.aborted) onGone();
    clientGone.addEventListener("abort", onGone, { once: true });
    const running = work(entry, turn, stop.signal).catch((error: unknown) => excuse(entry, turn, stop, error));
    const limit = deadline(entry, turn, running, stop);
    try {
      return await Promise.race([running, limit.reply]);
    } finally {
      limit.cancel();
      clientGone.removeEventListener("abort", onGone);
    }
  };
}
