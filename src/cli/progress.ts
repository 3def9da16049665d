/** How far a long command is: how many of how many, how fast, how long yet. On standard error, beside the result. */
import type { Millis } from "../core/message.ts";
import type { Writer } from "./output.ts";

export interface ProgressOptions {
  /** What is counted, in the plural. */
  readonly what: string;
  /** How many there will be, as far as one knows. */
  readonly total: number;
  readonly err: Writer;
  /** `line`: one that is written over. `json`: an object a line, for programs. `text`: a line now and then, for files. */
  readonly form: "line" | "json" | "text";
  readonly now: () => Millis;
}

/** A terminal may be told often. */
const everyMs = { line: 200, json: 1_000, text: 10_000 } as const;

function time(seconds: number): string {
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor((seconds % 3_600) / 60)];
  return hours > 0 ? `${hours} h ${minutes} min` : minutes > 0 ? `${minutes} min` : `${Math.ceil(seconds)} s`;
}

export class Progress {
  readonly #options: ProgressOptions;
  readonly #began: Millis;
  #told: Millis;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#began = this.#told = options.now();
  }

  readonly at = (done: number): void => {
    const { what, total, err, form, now } = this.#options;
    const at = now();
    if (at - this.#told < everyMs[form]) return;
    this.#told = at;
    const perSecond = Math.round((done * 1_000) / Math.max(1, at - this.#began));
    const left = perSecond > 0 && total > done ? Math.ceil((total - done) / perSecond) : null;
    if (form === "json") {
      err.write(`${JSON.stringify({ done, total, per_second: perSecond, seconds_left: left })}\n`);
      return;
    }
    const text = `${done} of ${total} ${what}, ${perSecond} a second${left === null ? "" : `, ${time(left)} left`}`;
    err.write(form === "line" ? `\r\u001b[2K${text}` : `${text}\n`);
  };

  /** The line that was written over gives way to the result. */
  end(): void {
    if (this.#options.form === "line") this.#options.err.write("\r\u001b[2K");
  }
}
