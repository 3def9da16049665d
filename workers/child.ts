/** One child process as the parent sees it: a question and an answer at a time; killed for silence, noise and greed. */
import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import type { Bytes, Millis } from "../src/core/message.ts";
import type { Log } from "../src/observe/log.ts";
import { type Frame, FrameReader, frameHead } from "./frames.ts";

/** `crashed` is the child's doing, also when it talked nonsense; `aborted` is ours. */
export type Death = "crashed" | "timeout" | "memory" | "aborted";

export class ChildGone extends Error {
  override readonly name = "ChildGone";
  readonly why: Death;
  constructor(why: Death, text: string) {
    super(text);
    this.why = why;
  }
}

export interface ChildOptions {
  /** For the log. */
  readonly name: string;
  readonly input: Writable;
  readonly output: Readable;
  readonly log: Log;
}

/** A report over thousands of members is some MB; nothing that a child says has a body. */
const answerLimits = { header: 32 * 2 ** 20, body: 0 };
const stderrKept = 4096;
const stderrLimit = 256 * 1024;
const pageBytes = 4096;
/** As V8 and Node end when the heap, or what the kernel grants, is used up. */
const outOfMemory = /out of memory|allocation failed|bad_alloc|cannot allocate/i;

interface Pending {
  readonly resolve: (frame: Frame) => void;
  readonly reject: (error: ChildGone) => void;
}

export class Child {
  readonly gone: Promise<ChildGone>;
  readonly #process: ChildProcess;
  readonly #options: ChildOptions;
  readonly #reader = new FrameReader(answerLimits);
  #pending: Pending | null = null;
  #death: { readonly why: Death; readonly text: string } | null = null;
  #alive = true;
  #quiet = false;
  #stderr = "";
  #stderrBytes = 0;

  constructor(process: ChildProcess, options: ChildOptions) {
    this.#process = process;
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<ChildGone>();
    this.gone = promise;
    options.output.on("data", (chunk: Buffer) => this.#hear(chunk));
    process.stderr?.on("data", (chunk: Buffer) => this.#hearComplaint(chunk));
    // A child that died while we wrote to it: its exit says so.
    for (const stream of [options.input, options.output]) stream.on("error", () => undefined);
    process.on("error", (error) => this.#end(error.message, resolve));
    process.on("close", (code, signal) => {
      // As a child ends that has nothing more to do, or whose other half is gone: no news for anybody.
      this.#quiet = code === 0 && this.#pending === null;
      this.#end(signal ? `killed by ${signal}` : `ended with ${code ?? "no"} code`, resolve);
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get alive(): boolean {
    return this.#alive && this.#death === null;
  }

  /** Resident octets; 0 where the system does not tell. */
  get rss(): Bytes {
    try {
      return Number(readFileSync(`/proc/${this.pid}/statm`, "latin1").split(" ")[1]) * pageBytes;
    } catch {
      return 0;
    }
  }

  /** One at a time. Rejects with ChildGone; when the deadline passes or the signal comes, the child is killed. */
  async ask(header: object, body: Uint8Array, deadlineMs: Millis, signal?: AbortSignal): Promise<Frame> {
    if (!this.alive) throw await this.gone;
    const { promise, resolve, reject } = Promise.withResolvers<Frame>();
    this.#pending = { resolve, reject };
    const abort = () => this.kill("aborted", "given up");
    const timer = setTimeout(() => this.kill("timeout", `no answer within ${deadlineMs} ms`), deadlineMs);
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
    const { input } = this.#options;
    input.cork();
    input.write(frameHead(header, body.length));
    if (body.length > 0) input.write(body);
    input.uncork();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
  }

  kill(why: Death, text: string): void {
    this.#death ??= { why, text };
    this.#process.kill("SIGKILL");
  }

  #hear(chunk: Buffer): void {
    let frames: Frame[];
    try {
      frames = this.#reader.push(chunk);
    } catch (error) {
      return this.kill("crashed", `talked nonsense: ${(error as Error).message}`);
    }
    const [frame] = frames;
    if (!frame) return;
    const pending = this.#pending;
    if (frames.length > 1 || !pending) return this.kill("crashed", "spoke without being asked");
    this.#pending = null;
    pending.resolve(frame);
  }

  #hearComplaint(chunk: Buffer): void {
    this.#stderrBytes += chunk.length;
    this.#stderr = (this.#stderr + chunk.toString("latin1")).slice(-stderrKept);
    if (this.#stderrBytes > stderrLimit) this.kill("crashed", "flooded standard error");
  }

  #end(text: string, tell: (gone: ChildGone) => void): void {
    if (!this.#alive) return;
    this.#alive = false;
    const death = this.#death ?? {
      why: outOfMemory.test(this.#stderr) ? ("memory" as const) : ("crashed" as const),
      text,
    };
    if (death.why !== "aborted" && !this.#quiet)
      this.#options.log.warn("child_died", {
        child: this.#options.name,
        pid: this.pid,
        why: death.why,
        text: death.text,
        stderr: this.#stderr,
      });
    const gone = new ChildGone(death.why, death.text);
    this.#pending?.reject(gone);
    this.#pending = null;
    tell(gone);
  }
}
