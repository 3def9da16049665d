/** Walks the entities of a message, from the outer to the inner ones, and adds a part for every leaf under every reading. */
import type { DissectLimits } from "../core/job.ts";
import { type Claims, isMessage, isMultipart, readClaims } from "./claims.ts";
import { decodeOctets } from "./decode.ts";
import { type Cut, DashLines, type Delimiter, endBefore, type Range } from "./delimiters.ts";
import { carve, findStrays, strayEnd } from "./carve.ts";
import { type Header, parseHeader } from "./header.ts";
import { addLeaf, addMessage, type Leaves, notePlain, type Plain } from "./leaves.ts";
import { Parts } from "./parts.ts";
import { Report } from "./report.ts";

/** Paths as IMAP numbers parts, RFC 3501 §6.4.5: a message's own body is "1" below it, a multipart has no part of its own. */
interface Place {
  readonly leaf: string;
  /** In front of the numbers of the entity's children. */
  readonly inner: string;
}

/** An entity as it was visited, under whatever reading: from its header's first octet to its end. */
export interface Entity extends Range {
  readonly bodyStart: number;
  /** Declared media types. */
  readonly types: readonly string[];
  /** Taken apart as a multipart. */
  readonly split: boolean;
  /** In a multipart; false for a message, whose header has fields of its own. */
  readonly isPart: boolean;
}

interface Split {
  readonly boundary: string;
  readonly cut: Cut;
}

/** An entity without its header. */
interface Content {
  readonly body: Range;
  readonly claims: Claims;
  readonly place: Place;
  readonly depth: number;
}

const below = (path: string, name: number | string): string => (path === "" ? String(name) : `${path}.${name}`);
/** Preamble and epilogue: "0.preamble" in the message itself, "2.epilogue" in part 2. */
const beside = (inner: string, name: string): string => `${inner === "" ? "0" : inner}.${name}`;

export class Walk {
  readonly parts: Parts;
  readonly report = new Report();
  /** Outer before inner. */
  readonly entities: Entity[] = [];
  readonly #message: Buffer;
  readonly #limits: DissectLimits;
  readonly #lines: DashLines;
  readonly #leaves: Leaves;
  /** Boundaries in use: a line with one of them is no odd line of another. */
  readonly #boundaries = new Set<string>();
  #entities: number;
  #readings = 1;

  constructor(message: Buffer, limits: DissectLimits) {
    this.#message = message;
    this.#limits = limits;
    this.#lines = new DashLines(message);
    this.parts = new Parts(message, limits);
    this.#leaves = { message, parts: this.parts, report: this.report, plain: new Map(), reading: 1, onlyNew: false };
    // Alternative readings visit entities again; each visit counts.
    this.#entities = limits.parts * 4 + 100;
  }

  /** The whole message; returns its header. */
  run(): Header {
    const { message, parts } = this.#leaves;
    const view = { offset: 0, length: message.length, encoding: "identity" } as const;
    parts.add({ path: "0", role: "message", names: [], declaredTypes: ["message/rfc822"], view });
    const header = this.#entity({ start: 0, end: message.length }, { leaf: "1", inner: "" }, 0, "text/plain");
    for (const plain of [...this.#leaves.plain.values()]) this.#raw(plain);
    if (this.isCut)
      this.report.add("0", {
        incomplete: "limit",
        text: `More parts, or more readings of them, than are looked at; ${parts.list().length} parts were`,
      });
    return header;
  }

  /** More parts, or more readings of them, than are looked at. */
  get isCut(): boolean {
    return this.#stopped || this.#lines.exhausted;
  }

  get #stopped(): boolean {
    return this.parts.full || this.#entities < 0;
  }

  #entity(range: Range, place: Place, depth: number, fallback: string, isPart = false): Header {
    this.#entities--;
    const header = parseHeader(this.#message.subarray(range.start, range.end), this.#limits.headerBytes);
    if (!this.parts.spend(header.bodyStart)) return header;
    if (header.unread > 0)
      this.report.add(place.leaf, { incomplete: "limit", text: `${header.unread} octets of the header were not read` });
    const claims = readClaims(header.fields, fallback);
    const body = { start: range.start + header.bodyStart, end: range.end };
    notePlain(this.#leaves, { path: place.leaf, range: { start: range.start, end: body.start }, kind: "header" });
    const splits = this.#splits(body, claims);
    const split = splits.length > 0;
    if (!this.#leaves.onlyNew)
      this.entities.push({ ...range, bodyStart: body.start, types: claims.types, split, isPart });
    // A multipart is no part: what is odd about it is said of what it stands in.
    const path = split ? place.inner : place.leaf;
    for (const [text, grade] of header.oddities) this.report.add(path, { rule: "broken-header", grade, text });
    for (const note of claims.notes) this.report.add(path, note);
    this.#content({ body, claims, place, depth }, splits);
    for (const start of header.otherStarts) {
      const other = { body: { start: range.start + start, end: range.end }, claims, place, depth };
      this.#inReading(true, () => this.#content(other, this.#splits(other.body, claims)));
    }
    return header;
  }

  /** Multipart, attached message or leaf: whatever is claimed first goes first, what is also plausible follows. */
  #content(content: Content, splits: readonly Split[]): void {
    const { body, claims, place, depth } = content;
    const first = claims.types[0] ?? "";
    if (splits.length > 0 && depth >= this.#limits.depth) {
      this.report.add(place.leaf, {
        incomplete: "limit",
        text: `Nested deeper than ${this.#limits.depth}: not taken apart`,
      });
      addLeaf(this.#leaves, place.leaf, body, claims);
      return;
    }
    const multipartFirst = splits.length > 0 && (isMultipart(first) || !claims.typed);
    this.#noteSplits(claims, place, splits);
    if (!multipartFirst) this.#whole(content, splits.length > 0);
    splits.forEach((split, index) => {
      this.#inReading(index > 0, () => this.#multipart(content, split));
    });
    const encoded = claims.encodings.some((encoding) => encoding !== "identity");
    // Without a boundary by the grammar some readers take it for one part.
    const guessed = claims.boundaries.length === 0;
    const alsoWhole = claims.typed && (encoded || guessed || claims.types.some((type) => !isMultipart(type)));
    if (multipartFirst && alsoWhole) this.#whole(content, true);
  }

  /** Which boundary counts, and whether any does, is where readers differ most. */
  #noteSplits({ types, typed, boundaries, plainBoundaries }: Claims, { inner }: Place, splits: readonly Split[]): void {
    const [split] = splits;
    if (!split) return;
    if (splits.length > 1)
      this.report.add(inner, {
        rule: "conflicting-boundary",
        grade: "conflict",
        text: `${splits.length} boundaries occur, each with other parts`,
      });
    else if (boundaries.indexOf(split.boundary) >= plainBoundaries)
      this.report.add(inner, { rule: "odd-boundary", grade: "conflict", text: "Not all readers read this boundary" });
    if (typed && !types.some(isMultipart))
      this.report.add(inner, {
        rule: "multipart-in-leaf",
        grade: "conflict",
        text: "A boundary that occurs, of something that is no multipart",
      });
  }

  /** The entity as one piece. */
  #whole({ body, claims, place, depth }: Content, alsoSplit: boolean): void {
    const multipart = claims.types.some(isMultipart);
    if (multipart) this.#encodedMultipart(body, claims, place, alsoSplit);
    if (multipart && !alsoSplit && claims.encodings[0] === "identity")
      this.report.add(place.leaf, {
        rule: "broken-multipart",
        grade: "odd",
        text: "A multipart without any delimiter: taken as one part",
      });
    this.#special(claims, place.leaf);
    if (!claims.types.some(isMessage)) {
      const guessed = claims.boundaries.length === 0;
      if (!alsoSplit || guessed || claims.types.some((type) => !isMultipart(type)))
        addLeaf(this.#leaves, place.leaf, body, claims);
      return;
    }
    const open = addMessage(this.#leaves, place.leaf, body, claims);
    if (!open) return;
    if (depth >= this.#limits.depth)
      this.report.add(place.leaf, {
        incomplete: "limit",
        text: `Nested deeper than ${this.#limits.depth}: not opened`,
      });
    else this.#entity(body, { leaf: below(place.leaf, 1), inner: place.leaf }, depth + 1, "text/plain");
  }

  /** Messages that are not all here. RFC 2046 §5.2.2, §5.2.3 */
  #special({ types }: Claims, path: string): void {
    if (types.includes("message/partial")) {
      const text = "A fragment of a message; the others travel by themselves";
      this.report.add(path, { rule: "message-partial", severity: "medium", tag: "partial", text });
      this.report.add(path, { incomplete: "unsupported", text });
    }
    if (types.includes("message/external-body")) {
      const text = "The content lies elsewhere; some readers fetch it";
      this.report.add(path, { rule: "external-body", severity: "low", tag: "external-body", text });
    }
  }

  /** A multipart in base64 (against RFC 2045 §6.4): some readers decode it. Left to the opener of attached messages. */
  #encodedMultipart(body: Range, claims: Claims, place: Place, alsoSplit: boolean): void {
    const encoded = claims.encodings.filter((encoding) => encoding !== "identity");
    if (encoded.length === 0) return;
    const raw = this.#message.subarray(body.start, Math.min(body.end, body.start + 16 * 1024));
    const hides = encoded.some((encoding) =>
      /^(?:--|content-)/im.test(decodeOctets(raw, encoding).bytes.toString("latin1")),
    );
    this.report.add(alsoSplit ? place.inner : place.leaf, {
      rule: "encoded-multipart",
      grade: hides && !(alsoSplit && encoded.every((encoding) => encoding === "quoted-printable")) ? "conflict" : "odd",
      text: "A multipart with a transfer encoding",
    });
    if (hides) addMessage(this.#leaves, place.leaf, body, { ...claims, encodings: encoded });
  }

  /** Every boundary under which the body falls into parts; the most plausible first. */
  #splits(body: Range, claims: Claims): readonly Split[] {
    for (const boundary of claims.boundaries) this.#boundaries.add(boundary);
    const exact = this.#cuts(body, claims.boundaries, false);
    if (exact.length > 0) return exact;
    const first = this.#message.toString("latin1", body.start, Math.min(body.end, body.start + 2));
    const bare = !claims.typed && first === "--" && !claims.types.some(isMessage);
    if (!bare && !claims.types.some(isMultipart)) return [];
    const loose = this.#cuts(
      body,
      claims.boundaries.filter((boundary) => boundary !== ""),
      true,
    );
    if (loose.length > 0) return loose;
    const guess = this.#lines.guess(body);
    return guess === null ? [] : this.#cuts(body, [guess], false);
  }

  /** Boundaries that cut at the same places are one. */
  #cuts(body: Range, boundaries: readonly string[], loose: boolean): readonly Split[] {
    const places = new Set<string>();
    return boundaries
      .map((boundary) => ({ boundary, cut: this.#lines.cut(body, boundary, this.#limits.parts + 1, loose) }))
      .filter(({ cut: { delimiters } }) => {
        const key = `${delimiters.length} ${delimiters[0]?.at} ${delimiters.at(-1)?.at}`;
        if (delimiters.length === 0 || places.has(key)) return false;
        places.add(key);
        return true;
      });
  }

  #multipart(content: Content, { boundary, cut }: Split): void {
    const { body, claims, place } = content;
    if (!claims.boundaries.includes(boundary))
      this.report.add(place.inner, {
        rule: "guessed-boundary",
        grade: "conflict",
        text: "No declared boundary occurs; taken apart at what looks like one",
      });
    this.#boundaries.add(boundary);
    this.#children(content, cut);
    const odd = cut.odd.filter((text) => !this.#boundaries.has(text));
    if (odd.length === 0 || this.#stopped) return;
    // RFC 2046 §5.1.1 lets a delimiter go on behind the boundary; most readers do not, some do.
    this.report.add(place.inner, {
      rule: "odd-delimiter",
      grade: "conflict",
      text: `Text behind the boundary: "${odd[0]}"`,
    });
    const loose = this.#lines.cut(body, boundary, this.#limits.parts + 1, true);
    this.#inReading(true, () => this.#children(content, loose));
  }

  /** Parts of an alternative reading get its number, unless the first reading has the same octets in the same place. */
  #inReading(alternative: boolean, walk: () => void): void {
    const before = this.#leaves.reading;
    if (alternative) this.#leaves.reading = ++this.#readings;
    walk();
    this.#leaves.reading = before;
  }

  #children(content: Content, { delimiters, more }: Cut): void {
    const { body, claims, place, depth } = content;
    const { inner } = place;
    const first = delimiters[0];
    if (!first) return;
    if (more)
      this.report.add(place.inner, {
        incomplete: "limit",
        text: `More than ${delimiters.length} parts: the last ones were not separated`,
      });
    this.#aside(beside(inner, "preamble"), { start: body.start, end: endBefore(this.#message, first, body.start) });
    const fallback = claims.types.includes("multipart/digest") ? "message/rfc822" : "text/plain";
    let number = 0;
    let closed: Delimiter | null = null;
    delimiters.forEach((delimiter, index) => {
      const next = delimiters[index + 1];
      const end = next ? Math.max(delimiter.end, endBefore(this.#message, next, delimiter.end)) : body.end;
      const range = { start: Math.min(delimiter.end, end), end };
      if (this.#stopped) return;
      if (delimiter.close) {
        closed ??= delimiter;
        this.#aside(beside(inner, "epilogue"), range);
        return;
      }
      if (closed)
        this.report.add(place.inner, {
          rule: "parts-after-end",
          grade: "conflict",
          text: "Parts behind the closing delimiter",
        });
      number++;
      const path = below(inner, number);
      this.#entity(range, { leaf: path, inner: path }, depth + 1, fallback, true);
    });
    if (!closed)
      this.report.add(place.inner, { rule: "unclosed-multipart", grade: "harmless", text: "No closing delimiter" });
  }

  /** Preamble or epilogue: no reader shows it, unless it reads the structure in another way. */
  #aside(path: string, range: Range): void {
    const text = this.#message.subarray(range.start, Math.min(range.end, range.start + 1024)).toString("latin1");
    if (range.end - range.start <= 1024 && text.trim() === "") return;
    addLeaf(this.#leaves, path, range, readClaims([], "text/plain"), true);
  }

  /** What the structure says nothing of: parts "1.raw1", "1.raw2" …, unless the message has these octets as a part already. */
  #raw(plain: Plain): void {
    const { message, parts } = this.#leaves;
    const at = { number: 0 };
    if (plain.kind !== "header") this.#strays(plain, at);
    const { views, more } = carve(message, plain);
    if (more) this.report.add(plain.path, { incomplete: "limit", text: "More runs of base64 than are looked at" });
    for (const view of views) {
      if (this.#stopped) return;
      if (parts.has(view)) continue;
      const path = `${plain.path}.raw${++at.number}`;
      parts.add({ path, role: "attachment", names: [], declaredTypes: [], view });
    }
  }

  /** Headers of parts in the middle of a text. */
  #strays({ path, range, kind }: Plain, at: { number: number }): void {
    const { starts, more } = findStrays(this.#message, range);
    if (more) this.report.add(path, { incomplete: "limit", text: "More headers within a text than are looked at" });
    let behind = range.start;
    for (const start of starts) {
      if (this.#stopped) return;
      // Another field of the same header.
      if (start < behind) continue;
      const header = parseHeader(this.#message.subarray(start, range.end), this.#limits.headerBytes);
      behind = start + header.bodyStart;
      const multipart = readClaims(header.fields, "text/plain").types.some(isMultipart);
      const end = multipart ? range.end : strayEnd(this.#message, behind, range.end);
      const leaf = `${path}.raw${++at.number}`;
      const before = this.parts.list().length;
      this.#leaves.onlyNew = true;
      this.#entity({ start, end }, { leaf, inner: leaf }, 1, "text/plain");
      this.#leaves.onlyNew = false;
      if (kind === "aside" && this.parts.list().length > before)
        this.report.add(path, {
          rule: "hidden-part",
          grade: "conflict",
          text: "A part where no reader by the book looks",
        });
    }
  }
}
