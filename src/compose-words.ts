/** Wires the words of correspondences: their key and their files in data_dir, both for this user alone, and the passwords that a site knows. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "./config-schema.ts";
import { GatewayError } from "./core/errors.ts";
import type { Envelope, HeaderSummary } from "./core/message.ts";
import type { Dissection } from "./core/outcome.ts";
import { type Password, passwordLimits, type Words } from "./core/password.ts";
import { Correspondence, type Kept } from "./correspondence.ts";
import type { Clock } from "./observe/clock.ts";
import { createSeal, parseKey } from "./seal.ts";

const ownerOnly = 0o600;
const sweepEveryMs = 60_000;
const nameLength = 64;
/** Until when, and a number that no two share. */
const fileName = /^(\d{13,15})-[0-9a-f]{16}$/;

function keyIn(dataDir: string): Buffer {
  const file = join(dataDir, "words.key");
  if (existsSync(file)) {
    const key = parseKey(readFileSync(file));
    if (key) return key;
  }
  const key = randomBytes(32);
  writeFileSync(file, `${key.toString("hex")}\n`, { mode: ownerOnly });
  return key;
}

/** Names, then what is sealed: nothing in it tells anything without the key. */
const pack = ({ names, sealed }: Kept): Buffer => Buffer.concat([Buffer.from(`${names.join("")}\n`, "latin1"), sealed]);

function unpack(bytes: Buffer, until: number): Kept | null {
  const end = bytes.indexOf(10);
  const text = bytes.toString("latin1", 0, Math.max(0, end));
  if (end < nameLength || text.length % nameLength !== 0) return null;
  return { names: text.match(/.{64}/g) ?? [], sealed: bytes.subarray(end + 1), until };
}

const untilOf = (name: string): number => Number(fileName.exec(name)?.[1] ?? 0);

export interface Keeping {
  readonly words: Correspondence;
  close(): void;
}

/** Null where no words of other messages are to be tried. */
export function keepWords(config: Config, clock: Clock): Keeping | null {
  const windowMs = config.scan.passwords.window;
  const folder = join(config.data_dir, "words");
  if (windowMs === 0) {
    rmSync(folder, { recursive: true, force: true });
    return null;
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const seal = createSeal(keyIn(config.data_dir), "words");

  function sweep(): void {
    const now = clock.now().getTime();
    for (const name of readdirSync(folder)) if (untilOf(name) <= now) rmSync(join(folder, name), { force: true });
  }

  sweep();
  const kept = readdirSync(folder)
    .sort()
    .flatMap((name) => unpack(readFileSync(join(folder, name)), untilOf(name)) ?? []);
  const words = new Correspondence({
    seal,
    clock,
    windowMs,
    kept,
    // Not synced, and no harm if it cannot be written: lost words only leave a message closed.
    save(one) {
      try {
        const name = `${one.until}-${randomBytes(8).toString("hex")}`;
        writeFileSync(join(folder, name), pack(one), { mode: ownerOnly });
      } catch {
        // The disk is full, most likely; the spool says so.
      }
    },
  });
  const timer = setInterval(() => {
    words.sweep();
    try {
      sweep();
    } catch {
      // Somebody has taken the folder away: nothing is left to forget.
    }
  }, sweepEveryMs).unref();
  return { words, close: () => clearInterval(timer) };
}

interface Speaker {
  readonly envelope: Envelope;
}

export interface SpokenOptions<Entry> {
  readonly others: Correspondence | null;
  readonly site: readonly Password[];
  /** Of a message that was taken apart by a former run, or is judged again. */
  readonly read: (entry: Entry, signal: AbortSignal) => Promise<Words | undefined>;
}

const mostMessages = 1000;

/** What messages under way say, and all that is to be tried on one. */
export function createSpoken<Entry extends Speaker>({ others, site, read }: SpokenOptions<Entry>) {
  const spoken = new Map<string, Words>();
  return {
    hear({ envelope }: Entry, header: HeaderSummary, words: Words): void {
      spoken.set(envelope.queueId, words);
      for (const oldest of spoken.keys()) {
        if (spoken.size <= mostMessages) break;
        spoken.delete(oldest);
      }
      if (words.told) others?.tell(envelope, header, words.candidates);
    },
    forget: ({ envelope }: Entry): void => void spoken.delete(envelope.queueId),
    async passwords(entry: Entry, { header }: Dissection, signal: AbortSignal): Promise<readonly Password[]> {
      const { envelope } = entry;
      // Before any words are read: what comes from now on is news.
      others?.wait(envelope, header);
      const own = spoken.get(envelope.queueId) ?? (await read(entry, signal));
      const all = new Map<string, Password>();
      for (const password of [...(own?.candidates ?? []), ...(others?.wordsFor(envelope, header) ?? []), ...site])
        if (!all.has(password.text)) all.set(password.text, password);
      return [...all.values()];
    },
  };
}

/** What everybody tries first. */
const usual = [
  "infected",
  "password",
  "1234",
  "12345",
  "123456",
  "12345678",
  "0000",
  "1111",
  "pass",
  "malware",
  "virus",
  "VelvetSweatshop",
];

/** One a line, the file's own before the usual ones. */
export function sitePasswords(file: string | undefined): readonly Password[] {
  const known: Password[] = usual.map((text) => ({ text, from: "usual" }));
  if (file === undefined) return known;
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const remedy = "make it readable for the user that runs sallyport, or name another file";
    throw new GatewayError("CONFIG_INVALID", { key: "scan.passwords.list", file, remedy }, error);
  }
  const own = text
    .split(/\r?\n/)
    .filter((line) => line !== "" && line.length <= passwordLimits.characters)
    .slice(0, passwordLimits.candidates);
  return [...own.map((line): Password => ({ text: line, from: "site" })), ...known];
}
