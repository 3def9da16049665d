/**
 * What comes from the socket: command lines, and the message between DATA and the final dot. Takes the place of the library's parser,
 * which goes through DATA octet by octet in JavaScript and takes a bare LF for the end of a command. See seam.ts.
 */

import type { SMTPServerDataStream } from "smtp-server";
import { SMTPStream } from "smtp-server/lib/smtp-stream.js";
import type { Reply } from "../core/status.ts";
import type { Clock } from "../observe/clock.ts";
import { DataFeed, type Fault } from "./data-feed.ts";
import { Pace } from "./pace.ts";
import { says } from "../core/replies.ts";

const LF = 10;
const CR = 13;
const NOTHING = Buffer.alloc(0);

/** RFC 5321 §4.5.3.1.4 asks for 512 octets and more for each extension; XFORWARD sends the longest lines. */
const longestCommand = 2048;
/** Commands of one chunk that are run before other connections get their turn. */
const commandsAtOnce = 100;
/** Beyond twice the size limit and this, a client is not going to stop; reading on would only burn CPU. */
const patience = 2 ** 20;

export interface InputLimits {
  readonly message_size: number;
  readonly line_length: number;
  /** Octets a second. */
  readonly slowest_data: number;
}

export interface InputOwner {
  /** A line that is no command; `resume` goes on behind it. */
  badLine(reply: Reply, resume: () => void): void;
  /** The connection cannot go on. */
  cut(reply: Reply): void;
}

export class Input extends SMTPStream {
  readonly #limits: InputLimits;
  readonly #clock: Clock;
  readonly #owner: InputOwner;
  /** What has not been looked at of the chunk in progress. */
  #rest: Buffer = NOTHING;
  #inProgress = 0;
  #next: (() => void) | null = null;
  /** The beginning of a command that is not whole. */
  #begun: Buffer = NOTHING;
  #isTooLong = false;
  #feed: DataFeed | null = null;
  #pace: Pace | null = null;
  #isRunning = false;
  #again = false;

  constructor(limits: InputLimits, clock: Clock, owner: InputOwner) {
    super();
    this.#limits = limits;
    this.#clock = clock;
    this.#owner = owner;
  }

  /** Octets that have come behind the command that is being answered. */
  get pending(): number {
    return this.#rest.length + this.writableLength - this.#inProgress;
  }

  /** Something of ours (a command, the spool, a verdict) holds the input up: the client is not to blame. */
  get waitsForUs(): boolean {
    return this.#next !== null;
  }

  /** What was wrong with the message that is coming in, or has just ended. */
  get fault(): Fault | null {
    return this.#feed?.fault ?? null;
  }

  override startDataMode(): SMTPServerDataStream {
    this.#feed = new DataFeed(this.#limits.line_length);
    this.#pace = new Pace(this.#limits.slowest_data, this.#clock);
    return super.startDataMode();
  }

  /** The reply to DATA has been sent: now, and not before, what came behind the final dot is read. */
  override continue(): void {
    this.#run();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding | "buffer", next: () => void): void {
    this.#inProgress = chunk.length;
    this.#next = next;
    this.#rest = chunk;
    this.#run();
  }

  /** A command without its line end is no command, also when the connection ends there. */
  override _flushData(): void {}

  /** Handlers may call back at once or later; either way there is one loop, and the stack does not grow with pipelined commands. */
  #run(): void {
    this.#again = true;
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      for (let left = commandsAtOnce; this.#again && left > 0; left--) {
        this.#again = false;
        this.#step();
      }
    } finally {
      this.#isRunning = false;
    }
    if (this.#again) setImmediate(() => this.#run());
  }

  #step(): void {
    if (this.isClosed) this.#finish();
    else if (this._dataMode) this.#data();
    else this.#command();
  }

  /** Asks for the next chunk. */
  #finish(): void {
    const next = this.#next;
    this.#rest = NOTHING;
    this.#next = null;
    this.#inProgress = 0;
    this.#pace?.ready();
    next?.();
  }

  #command(): void {
    const end = this.#rest.indexOf(LF);
    const piece = end === -1 ? this.#rest : this.#rest.subarray(0, end + 1);
    this.#isTooLong ||= this.#begun.length + piece.length > longestCommand;
    const line = this.#isTooLong ? NOTHING : Buffer.concat([this.#begun, piece]);
    if (end === -1) {
      this.#begun = line;
      this.#finish();
      return;
    }
    this.#rest = this.#rest.subarray(end + 1);
    const problem = this.#isTooLong ? says.commandTooLong : isCommand(line) ? null : says.commandNotCrlf;
    this.#begun = NOTHING;
    this.#isTooLong = false;
    const resume = (): void => this.#run();
    if (problem) this.#owner.badLine(problem, resume);
    else this.oncommand(line.subarray(0, -2), resume);
  }

  #data(): void {
    const piece = this.#rest;
    const stream = this._dataStream;
    if (piece.length === 0 || !this.#feed || !stream) {
      this.#finish();
      return;
    }
    this.#rest = NOTHING;
    const { octets, rest } = this.#feed.take(piece);
    this.dataBytes = this.#feed.count;
    if (rest) {
      this.#rest = rest;
      this._dataMode = false;
      this._dataStream = null;
      stream.end(octets);
      return;
    }
    if (this.#pace?.isTooSlow(piece.length)) this.#owner.cut(says.tooSlow);
    else if (this.dataBytes > 2 * this.#limits.message_size + patience) this.#owner.cut(says.tooLarge);
    if (octets.length === 0 || stream.destroyed || stream.write(octets)) this.#finish();
    else this.#whenDrained(stream);
  }

  #whenDrained(stream: SMTPServerDataStream): void {
    const goOn = (): void => {
      stream.off("drain", goOn);
      stream.off("close", goOn);
      this.#finish();
    };
    stream.once("drain", goOn);
    stream.once("close", goOn);
  }
}

/** RFC 5321 §2.3.8: CRLF ends a line, and neither stands alone. */
function isCommand(line: Buffer): boolean {
  const content = line.subarray(0, -2);
  return line.at(-2) === CR && !content.includes(CR) && !content.includes(0);
}
