/** What the messages of a correspondence say that may be passwords, sealed, for as long as the window; and which messages wait for such words. */
import type { Envelope, HeaderSummary, Millis, QueueId } from "./core/message.ts";
import type { Password } from "./core/password.ts";
import type { Clock } from "./observe/clock.ts";
import type { Seal } from "./seal.ts";

/** The words of one message as they are kept. */
export interface Kept {
  /** Names of the correspondences that they belong to: they tell nobody who writes to whom. */
  readonly names: readonly string[];
  readonly sealed: Buffer;
  readonly until: Millis;
}

export interface CorrespondenceOptions {
  readonly seal: Seal;
  readonly clock: Clock;
  readonly windowMs: Millis;
  /** What a former run has kept. */
  readonly kept: readonly Kept[];
  readonly save: (kept: Kept) => void;
}

const mostRecipients = 50;
const mostOfOne = 20;
const mostNames = 50_000;
const mostWords = 32;
const mostTogether = 48;
const context = "words";

const addressIn = (field: string): string => /[^\s<>"',;:]+@[^\s<>"',;:]+/.exec(field)?.[0] ?? "";
const domainOf = (address: string): string => address.slice(address.lastIndexOf("@") + 1);

/** By domain of the sender and recipient, since a system may send the password; and by both addresses, whoever writes. */
function pairs({ reversePath, forwardPaths }: Pick<Envelope, "reversePath" | "forwardPaths">, from: string): string[] {
  const senders = [...new Set([reversePath, addressIn(from)].map((one) => one.toLowerCase()))].filter(
    (one) => one !== "",
  );
  const recipients = forwardPaths.slice(0, mostRecipients).map(({ address }) => address.toLowerCase());
  return [
    ...new Set(
      senders.flatMap((sender) =>
        recipients.flatMap((recipient) => [
          `from ${domainOf(sender)} to ${recipient}`,
          `between ${[sender, recipient].sort().join(" and ")}`,
        ]),
      ),
    ),
  ];
}

export class Correspondence {
  readonly #options: CorrespondenceOptions;
  readonly #kept = new Map<string, Kept[]>();
  readonly #waiting = new Map<string, Map<QueueId, Millis>>();
  readonly #news = new Set<QueueId>();
  /** Told of messages for which words have come. */
  onNews: (id: QueueId) => void = () => undefined;

  constructor(options: CorrespondenceOptions) {
    this.#options = options;
    for (const kept of options.kept) this.#keep(kept);
  }

  #names(envelope: Pick<Envelope, "reversePath" | "forwardPaths">, header: Pick<HeaderSummary, "from">): string[] {
    return pairs(envelope, header.from).map((pair) => this.#options.seal.nameOf(pair));
  }

  #keep(kept: Kept): void {
    const now = this.#now();
    for (const name of kept.names) {
      const all = [...(this.#kept.get(name) ?? []).filter(({ until }) => until > now), kept].slice(-mostOfOne);
      this.#kept.delete(name);
      this.#kept.set(name, all);
    }
    for (const name of this.#kept.keys()) {
      if (this.#kept.size <= mostNames) break;
      this.#kept.delete(name);
    }
  }

  #now(): Millis {
    return this.#options.clock.now().getTime();
  }

  /** A message has said these; those that wait for them are told. */
  tell(
    envelope: Pick<Envelope, "queueId" | "reversePath" | "forwardPaths">,
    header: Pick<HeaderSummary, "from">,
    words: readonly Password[],
  ): void {
    const names = this.#names(envelope, header);
    if (names.length === 0 || words.length === 0) return;
    const { seal, save, windowMs } = this.#options;
    const texts = words.slice(0, mostWords).map(({ text }) => text);
    const until = this.#now() + windowMs;
    const kept: Kept = { names, sealed: seal.seal(Buffer.from(JSON.stringify(texts)), context), until };
    this.#keep(kept);
    save(kept);
    const ids = new Set(names.flatMap((name) => [...(this.#waiting.get(name)?.keys() ?? [])]));
    ids.delete(envelope.queueId);
    for (const id of ids) {
      this.#news.add(id);
      this.onNews(id);
    }
  }

  /** It stays closed so far: words that come from now on are news to it. */
  wait(
    envelope: Pick<Envelope, "queueId" | "reversePath" | "forwardPaths">,
    header: Pick<HeaderSummary, "from">,
  ): void {
    this.#news.delete(envelope.queueId);
    this.register(envelope, header);
  }

  /** It is put off, perhaps by a former run, and would be judged again if words came. */
  register(
    envelope: Pick<Envelope, "queueId" | "reversePath" | "forwardPaths">,
    header: Pick<HeaderSummary, "from"> = { from: "" },
  ): void {
    const now = this.#now();
    for (const name of this.#names(envelope, header)) {
      const ids = new Map([...(this.#waiting.get(name) ?? [])].filter(([, until]) => until > now).slice(-mostOfOne));
      ids.set(envelope.queueId, now + this.#options.windowMs);
      this.#waiting.delete(name);
      this.#waiting.set(name, ids);
    }
    for (const name of this.#waiting.keys()) {
      if (this.#waiting.size <= mostNames) break;
      this.#waiting.delete(name);
    }
  }

  /** Words have come since it was looked at last. */
  hasNews(id: QueueId): boolean {
    return this.#news.delete(id);
  }

  /** Those of other messages, the newest first. */
  wordsFor(
    envelope: Pick<Envelope, "queueId" | "reversePath" | "forwardPaths">,
    header: Pick<HeaderSummary, "from">,
  ): readonly Password[] {
    const now = this.#now();
    const all = new Set(this.#names(envelope, header).flatMap((name) => this.#kept.get(name) ?? []));
    const texts = [...all]
      .filter(({ until }) => until > now)
      .sort((a, b) => b.until - a.until)
      .flatMap((kept) => this.#open(kept));
    return [...new Set(texts)].slice(0, mostTogether).map((text) => ({ text, from: "correspondence" }));
  }

  #open({ sealed }: Kept): readonly string[] {
    try {
      return JSON.parse(this.#options.seal.open(sealed, context).toString()) as string[];
    } catch {
      // Sealed under another key, or damaged: as if they were lost.
      return [];
    }
  }

  /** Forgets what is over. */
  sweep(): void {
    const now = this.#now();
    for (const [name, all] of this.#kept) {
      const left = all.filter(({ until }) => until > now);
      if (left.length > 0) this.#kept.set(name, left);
      else this.#kept.delete(name);
    }
    for (const [name, ids] of this.#waiting) {
      for (const [id, until] of ids) if (until <= now) ids.delete(id);
      if (ids.size === 0) this.#waiting.delete(name);
    }
  }
}
