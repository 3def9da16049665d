/** What a job does to a part: identify it, show it to every inspector, open it, and do the same to all that is inside. */
import { hash } from "node:crypto";
import type { Externals, InspectLimits } from "../src/core/job.ts";
import type { Part, Sha256 } from "../src/core/message.ts";
import type { Finding, Outcome, PartReport } from "../src/core/outcome.ts";
import type { Password, PasswordSource } from "../src/core/password.ts";
import { type Clock, systemClock } from "../src/observe/clock.ts";
import { createPurse, type Purse } from "./budget.ts";
import { activeMimeExtractor } from "./extractors/active-mime.ts";
import { accessExtractor } from "./extractors/access.ts";
import { brotliExtractor } from "./extractors/brotli.ts";
import { calendarExtractor } from "./extractors/calendar.ts";
import { cmsExtractor } from "./extractors/cms.ts";
import { embeddedExtractor } from "./extractors/embedded.ts";
import { emlExtractor } from "./extractors/eml.ts";
import { type Closed, type Derived, type Extractor, type Member, type Odd, Stop } from "./extractors/extractor.ts";
import { gzipExtractor } from "./extractors/gzip.ts";
import { lnkExtractor } from "./extractors/lnk.ts";
import { lzhExtractor } from "./extractors/lzh.ts";
import { lzipExtractor } from "./extractors/lzip.ts";
import { flatOfficeExtractor } from "./extractors/office-flat.ts";
import { officeSealedExtractor } from "./extractors/office-sealed.ts";
import { oleExtractor } from "./extractors/ole.ts";
import { markupExtractor } from "./extractors/markup.ts";
import { macFilesExtractor } from "./extractors/mac-files.ts";
import { mboxExtractor } from "./extractors/mbox.ts";
import { msgExtractor } from "./extractors/msg.ts";
import { pdfExtractor } from "./extractors/pdf.ts";
import { rtfExtractor } from "./extractors/rtf.ts";
import { oneNoteExtractor } from "./extractors/onenote.ts";
import { workbookExtractor } from "./extractors/workbook.ts";
import { scriptExtractor } from "./extractors/script.ts";
import { sevenZipExtractor } from "./extractors/seven-zip.ts";
import { shortcutExtractor } from "./extractors/shortcut.ts";
import { tarExtractor } from "./extractors/tar.ts";
import { binhexExtractor, yencExtractor } from "./extractors/text-codes.ts";
import { tnefExtractor } from "./extractors/tnef.ts";
import { uuencodeExtractor } from "./extractors/uuencode.ts";
import { volumeExtractor } from "./extractors/volume.ts";
import { zipExtractor } from "./extractors/zip.ts";
import { createKeyring, type Keyring } from "./keyring.ts";
import { createIdentifier, type Identifier } from "./identify.ts";
import { encrypted, holdsFiles, octets, plain, typeInfo } from "./identify/types.ts";
import { encryptionInspector } from "./inspectors/encryption.ts";
import type { Inspector } from "./inspectors/inspector.ts";

export interface Examiner {
  /** Of everything that takes part, whether or not it looked at anything. */
  readonly versions: Readonly<Record<string, string>>;
  examine(
    part: Part,
    bytes: Buffer,
    externals: Externals,
    limits: InspectLimits,
    passwords?: readonly Password[],
  ): Promise<PartReport>;
}

export interface ExaminerOptions {
  /** External variables as a rule should see them for this part or member; by default those of the job. */
  readonly externalsFor?: (part: Part, base: Externals) => Externals;
  readonly clock?: Clock;
}

export const allExtractors: readonly Extractor[] = [
  zipExtractor,
  gzipExtractor,
  tarExtractor,
  emlExtractor,
  oleExtractor,
  officeSealedExtractor,
  flatOfficeExtractor,
  rtfExtractor,
  workbookExtractor,
  oneNoteExtractor,
  accessExtractor,
  embeddedExtractor,
  lzhExtractor,
  lzipExtractor,
  brotliExtractor,
  uuencodeExtractor,
  yencExtractor,
  binhexExtractor,
  tnefExtractor,
  msgExtractor,
  cmsExtractor,
  macFilesExtractor,
  mboxExtractor,
  sevenZipExtractor,
  volumeExtractor,
  pdfExtractor,
  markupExtractor,
  scriptExtractor,
  lnkExtractor,
  shortcutExtractor,
  calendarExtractor,
  activeMimeExtractor,
];

const textLimit = 300;

/** One job under way. */
class Walk {
  readonly members: Part[] = [];
  readonly outcomes: Outcome[] = [];
  readonly timings: Record<string, number> = {};
  readonly purse: Purse;
  /** Content that was opened already: the same octets hold the same members, wherever they lie. */
  readonly #opened = new Set<string>();
  readonly #externals: Externals;
  readonly #limits: InspectLimits;
  readonly #tools: Tools;

  readonly #keyring: Keyring;
  /** Paths of what a password has opened, and of what an extractor itself has called encrypted. */
  readonly #unlocked = new Set<string>();

  constructor(tools: Tools, externals: Externals, limits: InspectLimits, passwords: readonly Password[]) {
    this.#tools = tools;
    this.#externals = externals;
    this.#limits = limits;
    this.purse = createPurse(limits);
    this.#keyring = createKeyring(passwords);
  }

  /** The part with its identified types. */
  async look(given: Part, bytes: Buffer, depth: number): Promise<Part> {
    const part = { ...given, types: await this.#identify(given, bytes) };
    if (depth > 0) this.members.push(part);
    await this.#inspect(part, bytes, this.#tools.inspectors);
    await this.#open(part, bytes, depth);
    this.#settle(part);
    return part;
  }

  /** That a document is encrypted says its type; whoever has tried to open it knows better. */
  #settle({ path }: Part): void {
    const isOwn = (outcome: Outcome) => outcome.part === path && outcome.inspector !== encryptionInspector.name;
    const isKnown = this.outcomes.some(
      (outcome) => isOwn(outcome) && outcome.kind === "incomplete" && outcome.why === "encrypted",
    );
    if (!isKnown && !this.#unlocked.has(path)) return;
    const index = this.outcomes.findIndex(
      ({ part, inspector }) => part === path && inspector === encryptionInspector.name,
    );
    if (index >= 0) this.outcomes[index] = { part: path, inspector: encryptionInspector.name, kind: "clean" };
  }

  async #identify(part: Part, bytes: Buffer): Promise<readonly string[]> {
    try {
      return await this.#timed("identify", () => this.#tools.identifier.identify(bytes, part.role));
    } catch (error) {
      this.outcomes.push(crashed(part, "identify", error));
      return [octets];
    }
  }

  /** Whether one of ours wants the part; one that fails to say so has crashed. */
  #wants(part: Part, name: string, ask: () => boolean): boolean {
    try {
      return ask();
    } catch (error) {
      this.outcomes.push(crashed(part, name, error));
      return false;
    }
  }

  async #inspect(part: Part, bytes: Buffer, inspectors: readonly Inspector[]): Promise<void> {
    const externals = this.#tools.externalsFor(part, this.#externals);
    for (const inspector of inspectors) {
      if (!this.#wants(part, inspector.name, () => inspector.wants(part))) continue;
      const outcome = await this.#timed(inspector.name, async () => {
        try {
          return await inspector.inspect(part, bytes, externals);
        } catch (error) {
          return crashed(part, inspector.name, error);
        }
      });
      this.outcomes.push(outcome);
    }
  }

  async #open(part: Part, bytes: Buffer, depth: number): Promise<void> {
    if (this.#opened.has(part.sha256)) return;
    const wanted = this.#tools.extractors.filter((extractor) =>
      this.#wants(part, extractor.name, () => extractor.wants(part, bytes)),
    );
    this.#unopened(part, bytes);
    const tooDeep = depth >= this.#limits.depth;
    if (wanted.length > 0 && !tooDeep) this.#opened.add(part.sha256);
    const counter = { members: 0 };
    for (const extractor of wanted) {
      if (tooDeep) this.#incomplete(part, extractor.name, "limit", `More than ${this.#limits.depth} levels deep`);
      else await this.#extract(part, bytes, depth, extractor, counter);
    }
  }

  /** Containers that nothing here opens: what is in them stays unknown, and that is not clean. */
  #unopened(part: Part, bytes: Buffer): void {
    if (part.types.includes(encrypted)) return;
    for (const type of part.types.filter(holdsFiles)) {
      const alone = { ...part, types: [type], names: [], declaredTypes: [] };
      const opens = (extractor: Extractor) => this.#wants(part, extractor.name, () => extractor.wants(alone, bytes));
      if (this.#tools.extractors.some(opens)) continue;
      this.#incomplete(part, "examine", "unsupported", `Nothing here opens this: ${typeInfo(type).label}`);
    }
  }

  async #extract(
    part: Part,
    bytes: Buffer,
    depth: number,
    extractor: Extractor,
    counter: { members: number },
  ): Promise<void> {
    const { name } = extractor;
    const before = this.outcomes.length;
    const odds: Finding[] = [];
    try {
      const all = extractor.extract(part, bytes, this.purse.container(bytes.length), this.#keyring)[Symbol.iterator]();
      for (;;) {
        const next = await this.#timed(name, () => all.next());
        if (next.done === true) break;
        if ("rule" in next.value) odds.push(asFinding(part, name, next.value));
        else if ("artefact" in next.value) await this.#derive(part, next.value, counter);
        else await this.#take(part, next.value, depth + 1, name, counter);
        if ("opened" in next.value && next.value.opened && !this.#unlocked.has(part.path)) {
          this.#unlocked.add(part.path);
          odds.push(asFinding(part, name, opened(next.value.opened)));
        }
      }
    } catch (error) {
      if (!(error instanceof Stop)) this.outcomes.push(crashed(part, name, error));
      else this.#incomplete(part, name, error.why, error.message);
    }
    const own = this.outcomes.slice(before).some((outcome) => outcome.inspector === name && outcome.part === part.path);
    if (odds.length > 0) this.outcomes.push({ part: part.path, inspector: name, kind: "found", findings: odds });
    else if (!own) this.outcomes.push({ part: part.path, inspector: name, kind: "clean" });
  }

  async #take(
    container: Part,
    item: Member | Closed,
    depth: number,
    extractor: string,
    counter: { members: number },
  ): Promise<void> {
    if ("why" in item && item.names.length === 0 && !item.bytes) {
      this.#incomplete(container, extractor, item.why, item.text);
      return;
    }
    const by = "opened" in item ? item.opened : container.opened;
    const member = { ...asPart(`${container.path}/${++counter.members}`, item), ...(by ? { opened: by } : {}) };
    if (!("why" in item)) {
      await this.look(member, asBuffer(item.bytes), depth);
      return;
    }
    this.members.push(member);
    this.#incomplete(member, extractor, item.why, item.text);
    const byName = this.#tools.inspectors.filter((inspector) => inspector.namesOnly);
    await this.#inspect(member, Buffer.alloc(0), byName);
  }

  /** Shown to those who look at content, never opened: it is our own text about the part. */
  async #derive(from: Part, item: Derived, counter: { members: number }): Promise<void> {
    const { artefact, bytes, opened: by = from.opened } = item;
    const made = asPart(`${from.path}/${++counter.members}`, { names: [], declaredTypes: [], bytes });
    const part: Part = {
      ...made,
      role: "artefact",
      types: [plain],
      derived: { kind: artefact, from: from.path },
      ...(by ? { opened: by } : {}),
    };
    this.members.push(part);
    await this.#inspect(part, asBuffer(bytes), this.#tools.inspectors);
  }

  #incomplete(part: Part, inspector: string, why: Stop["why"], text: string): void {
    this.outcomes.push({ part: part.path, inspector, kind: "incomplete", why, text: text.slice(0, textLimit) });
  }

  async #timed<T>(name: string, work: () => T | Promise<T>): Promise<T> {
    const began = this.#tools.clock.monotonic();
    try {
      return await work();
    } finally {
      this.timings[name] = (this.timings[name] ?? 0) + this.#tools.clock.monotonic() - began;
    }
  }
}

interface Tools {
  readonly identifier: Identifier;
  readonly inspectors: readonly Inspector[];
  readonly extractors: readonly Extractor[];
  readonly externalsFor: (part: Part, base: Externals) => Externals;
  readonly clock: Clock;
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

function asPart(path: string, item: Member | Closed): Part {
  const bytes = item.bytes ?? new Uint8Array();
  return {
    path,
    role: "member",
    sha256: hash("sha256", bytes, "hex") as Sha256,
    size: bytes.length,
    names: item.names,
    declaredTypes: "declaredTypes" in item ? item.declaredTypes : [],
    types: [],
    view: null,
  };
}

const sources: Readonly<Record<PasswordSource, string>> = {
  subject: "its subject",
  body: "its text",
  name: "the name of a file",
  correspondence: "another message of the same correspondence",
  site: "the list of this site",
  usual: "the usual ones",
};

/** That a password opened it, and where that came from; never which. */
const opened = (from: PasswordSource): Odd => ({
  rule: "password.opened",
  severity: "info",
  text: `Opened with a password from ${sources[from]}`,
});

const asFinding = (part: Part, inspector: string, { rule, severity, tags = [], text }: Odd): Finding => ({
  part: part.path,
  inspector,
  rule,
  severity,
  tags,
  text: text.slice(0, textLimit),
});

function crashed(part: Part, inspector: string, error: unknown): Outcome {
  const text = error instanceof Error ? error.message : String(error);
  return { part: part.path, inspector, kind: "incomplete", why: "crashed", text: text.slice(0, textLimit) };
}

/** `inspectors` in the order in which they look; the matcher of rules is one that the program brings along. */
export async function createExaminer(
  inspectors: readonly Inspector[],
  extractors: readonly Extractor[] = allExtractors,
  { externalsFor = (_part, base) => base, clock = systemClock }: ExaminerOptions = {},
): Promise<Examiner> {
  const identifier = await createIdentifier();
  const tools: Tools = { identifier, inspectors, extractors, externalsFor, clock };
  const versions = Object.fromEntries([
    ["identify", identifier.version],
    ...[...inspectors, ...extractors].map(({ name, version }) => [name, version]),
  ]);

  return {
    versions,
    async examine(part, bytes, externals, limits, passwords = []) {
      const began = clock.monotonic();
      const walk = new Walk(tools, externals, limits, passwords);
      const { types } = await walk.look({ ...part, path: "" }, bytes, 0);
      const { members, outcomes, timings, purse } = walk;
      return { types, members, outcomes, spent: { ...purse.spent, ms: clock.monotonic() - began }, timings, versions };
    },
  };
}
