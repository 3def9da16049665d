/** What one run of 7-Zip brings forth: files, links, and what it had to say about each and about the whole. Held up to a bound; then the run is broken off. */
import type { Output, Watcher } from "./system.ts";

/** Called before octets are kept. May throw, which ends the run. */
export interface Meter {
  /** Another file; how many octets it may have. */
  file(): number;
  octets(count: number): void;
}

export interface Item {
  /** As it was to be written to disk. */
  readonly path: Buffer;
  /** As it was printed. */
  printed: string | null;
  /** Null if it is larger than it may be. */
  bytes: Buffer | null;
  /** What 7-Zip said was wrong with it. */
  complaint: string | null;
}

export interface Harvest {
  readonly items: readonly Item[];
  /** Names and complaints of what was not even begun. */
  readonly unborn: readonly { readonly name: string; readonly complaint: string }[];
  /** What it said about the archive as a whole. */
  readonly said: ReadonlySet<string>;
  readonly physicalSize: number | null;
}

/** Enough was gathered: what is there is to be taken away before a next run goes on behind it. */
export class Full extends Error {}

const mostHeld = 32 * 2 ** 20;
const mostText = 16 * 2 ** 20;
const mostUnborn = 10_000;
const longestLine = 70_000;
/** Of what 7-Zip calls errors, those of the disk that it believes to write to. */
const ofTheDisk = /^Cannot (?:set|create|delete|rename|open output|find)/;

class File implements Output {
  readonly item: Item;
  readonly #meter: Meter;
  readonly #room: number;
  #pieces: Buffer[] = [];
  #size = 0;
  #tooLarge = false;

  constructor(item: Item, meter: Meter) {
    this.item = item;
    this.#meter = meter;
    this.#room = meter.file();
  }

  write(at: number, octets: Buffer): void {
    const size = Math.max(this.#size, at + octets.length);
    this.#meter.octets(Math.max(octets.length, size - this.#size));
    this.#tooLarge ||= size > this.#room;
    if (this.#tooLarge) this.#pieces = [];
    else if (at === this.#size) this.#pieces.push(Buffer.from(octets));
    else this.#patch(at, octets, size);
    this.#size = size;
  }

  /** Elsewhere than at the end: into one piece. */
  #patch(at: number, octets: Buffer, size: number): void {
    const whole = Buffer.alloc(size);
    let end = 0;
    for (const piece of this.#pieces) end += piece.copy(whole, end);
    octets.copy(whole, at);
    this.#pieces = [whole];
  }

  close(): void {
    const [only] = this.#pieces;
    if (!this.#tooLarge) this.item.bytes = this.#pieces.length === 1 && only ? only : Buffer.concat(this.#pieces);
    this.#pieces = [];
  }
}

export class Harvester implements Watcher, Harvest {
  readonly items: Item[] = [];
  readonly unborn: { name: string; complaint: string }[] = [];
  readonly said = new Set<string>();
  physicalSize: number | null = null;
  /** Octets in all, kept or not. */
  written = 0;
  readonly #meter: Meter;
  #skip: number;
  #held = 0;
  #open: File | null = null;
  #line = "";
  #textBytes = 0;
  #aboutWhole = true;
  #inList = false;

  /** Leaves out the first so many files: an earlier run had them. */
  constructor(meter: Meter, skip: number) {
    this.#meter = meter;
    this.#skip = skip;
  }

  create(path: Buffer): Output {
    if (this.#skip > 0) {
      this.#skip--;
      return { write: (_at, octets) => void (this.written += octets.length), close: () => undefined };
    }
    if (this.#held >= mostHeld) throw new Full();
    const item: Item = { path, printed: null, bytes: null, complaint: null };
    const file = new File(item, this.#meter);
    this.#open = file;
    this.items.push(item);
    const close = () => {
      file.close();
      this.#held += item.bytes?.length ?? 0;
    };
    const write = (at: number, octets: Buffer) => {
      this.written += octets.length;
      file.write(at, octets);
    };
    return { write, close };
  }

  /** Its content is where it leads to. */
  link(path: Buffer, target: Buffer): void {
    const file = this.create(path);
    file.write(0, target);
    file.close();
  }

  say(text: Buffer): void {
    this.#textBytes += text.length;
    if (this.#textBytes > mostText) throw new Full();
    const lines = (this.#line + text.toString("latin1")).split(/[\r\n]/);
    this.#line = (lines.pop() ?? "").slice(0, longestLine);
    for (const line of lines) this.#hear(Buffer.from(line, "latin1").toString("utf8"));
  }

  #hear(line: string): void {
    if (/^[-T] /.test(line)) this.#aboutItem(line.slice(2));
    else if (line.startsWith("ERROR: ") && !this.#aboutWhole) this.#complain(line.slice(7));
    else if (/^(?:ERRORS|WARNINGS):$/.test(line)) this.#inList = true;
    else if (line === "" || line.startsWith("-") || line.includes(" = ")) this.#inProperties(line);
    else if (this.#inList || /^(?:Cannot open|Missing volume|Unexpected end|Headers Error)/.test(line))
      this.said.add(line);
  }

  /** "Physical Size = 1035": of the outermost, if there are images within it. */
  #inProperties(line: string): void {
    this.#inList = false;
    if (line.startsWith("Physical Size = ")) this.physicalSize ??= Number(line.slice(16));
  }

  #aboutItem(name: string): void {
    this.#aboutWhole = false;
    const item = this.#open?.item;
    if (item && item.printed === null) item.printed = name;
  }

  /** "Data Error : name" is said after the file is closed, or of one that was never created. */
  #complain(text: string): void {
    if (ofTheDisk.test(text) || this.#skip > 0) return;
    const colon = text.indexOf(" : ");
    const complaint = colon < 0 ? text : text.slice(0, colon);
    const name = colon < 0 ? "" : text.slice(colon + 3);
    const item = this.#open?.item;
    if (item && (item.printed === name || name === "")) item.complaint ??= complaint;
    else if (this.unborn.length < mostUnborn) this.unborn.push({ name, complaint });
  }
}
