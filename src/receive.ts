/** Between the final dot and its reply: carries the message, watches the deadline, and answers the client once. */
import { isGatewayError } from "./core/errors.ts";
import type { Millis } from "./core/message.ts";
import { type Reply, reply } from "./core/status.ts";
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
  /** Takes over a message in `active` whose work goes on; false if the window is full. */
  readonly adopt: (entry: Entry, work: Promise<unknown>) => boolean;
  readonly hasRoom: () => boolean;
  readonly onBug: (entry: Entry, error: unknown) => void;
}

const ok = (entry: Entry): Reply => reply(2, 50, "0.0", `Ok: queued as ${entry.id}`);
const busy = reply(4, 51, "3.2", "Too many messages are being looked at, please come back");
const noSpace = reply(4, 52, "3.1", "Not enough space for the message, please come back");
const failure = reply(4, 51, "3.0", "The message cannot be processed now, please come back");
const gone = reply(4, 51, "4.2", "The client went away");

const scannerIsDown = (error: unknown): boolean =>
  isGatewayError(error, "SCANNER_UNAVAILABLE") || isGatewayError(error, "QUEUE_UNAVAILABLE");
const spoolFails = (error: unknown): boolean =>
  isGatewayError(error, "SPOOL_FULL") || isGatewayError(error, "SPOOL_UNWRITABLE");

/** One reply for all forward-paths: a temporary refusal wins over a final one, so that nothing is given up too early (R8). */
function combine(replies: Replies): Reply {
  const all = [...replies.values()];
  return all.find((one) => one.status.class === 4) ?? all.find((one) => one.status.class === 5) ?? all[0] ?? failure;
}

export function createReceive(options: ReceiveOptions) {
  /** Drops what is not ours; what is ours stays for the next start or attempt. */
  async function drop(entry: Entry): Promise<void> {
    if (!options.isOurs(entry) && entry.state !== "gone") await entry.remove();
  }

  async function afterSpooling(entry: Entry): Promise<Reply> {
    try {
      await options.claim(entry, "incoming");
    } catch (error) {
      if (!spoolFails(error)) throw error;
      return noSpace;
    }
    options.enqueue(entry);
    return ok(entry);
  }

  async function work(entry: Entry, turn: Turn, signal: AbortSignal): Promise<Reply> {
    let replies: Replies;
    try {
      replies = await options.carry(entry, turn, signal);
    } catch (error) {
      if (!scannerIsDown(error)) throw error;
      replies = await options.unscanned(entry, turn, signal);
    }
    return options.isOurs(entry) ? ok(entry) : combine(replies);
  }

  /** What goes wrong while the client waits: it keeps the message and comes back. */
  async function excuse(entry: Entry, turn: Turn, signal: AbortSignal, error: unknown): Promise<Reply> {
    const mine = turn.take();
    if (mine || !options.isOurs(entry)) await drop(entry);
    if (options.isOurs(entry) && entry.state !== "gone") {
      options.adopt(entry, Promise.resolve());
      return ok(entry);
    }
    if (spoolFails(error)) return noSpace;
    if (signal.aborted) return gone;
    options.onBug(entry, error);
    return failure;
  }

  /** Resolves when the deadline has claimed the message, or never. */
  function deadline(
    entry: Entry,
    turn: Turn,
    running: Promise<unknown>,
    stop: AbortController,
  ): { readonly reply: Promise<Reply>; cancel(): void } {
    let timer: NodeJS.Timeout | undefined;
    const answer = new Promise<Reply>((resolve, reject) => {
      const claim = async (): Promise<Reply> => {
        if (!options.hasRoom()) {
          stop.abort();
          await drop(entry);
          return busy;
        }
        try {
          await turn.claiming(options.claim(entry, "active"));
        } catch (error) {
          stop.abort();
          if (spoolFails(error)) return noSpace;
          throw error;
        }
        options.adopt(entry, running);
        return ok(entry);
      };
      timer = setTimeout(() => {
        if (turn.take()) claim().then(resolve, reject);
      }, options.deadlineMs(entry));
    });
    return { reply: answer, cancel: () => clearTimeout(timer) };
  }

  /** Resolves with what the client is to hear; never rejects for anything that mail, a next hop or a disk can do. */
  return async function receive(entry: Entry, clientGone: AbortSignal): Promise<Reply> {
    if (options.atOnce(entry)) return afterSpooling(entry);
    const turn = new Turn();
    const stop = new AbortController();
    const onGone = (): void => {
      if (!turn.taken) stop.abort(clientGone.reason);
    };
    clientGone.addEventListener("abort", onGone, { once: true });
    const running = work(entry, turn, stop.signal).catch((error: unknown) => excuse(entry, turn, stop.signal, error));
    const limit = deadline(entry, turn, running, stop);
    try {
      return await Promise.race([running, limit.reply]);
    } finally {
      limit.cancel();
      clientGone.removeEventListener("abort", onGone);
    }
  };
}
