/** What octets are: a set of media types, the leading one first, traits (macros, encryption) last. Never asks the sender. */
import { readFileSync } from "node:fs";
import { fileTypeFromBuffer } from "file-type";
import { WASMagic, WASMagicFlags } from "wasmagic";
import type { Role } from "../src/core/message.ts";
import { isBareBiff } from "./formats/biff.ts";
import { readMacBinary } from "./formats/mac-files.ts";
import { readArmoured, readCms } from "./identify/cms.ts";
import { byMagic, hasTarChecksum } from "./identify/magic.ts";
import { bareWorkbook, readOle } from "./identify/ole.ts";
import { secondMeanings } from "./identify/polyglot.ts";
import { classifyBody, classifyText, readText } from "./identify/text.ts";
import { canonical } from "./identify/type-aliases.ts";
import { dosExecutable, empty, isKnown, mbox, octets, plain, rfc822, typeInfo } from "./identify/types.ts";
import { readZipFamily } from "./identify/zip-family.ts";

export interface Identifier {
  readonly version: string;
  /** At least one type; "application/octet-stream" if nothing is known. Never throws. */
  identify(bytes: Buffer, role: Role): Promise<readonly string[]>;
}

const headBytes = 256 * 1024;
/** Of text, marks of other formats can only stand at the front. */
const textHeadBytes = 4096;
const ownVersion = "identify 2";

function installed(name: string): string {
  const manifest = new URL("../package.json", import.meta.resolve(name));
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  return `${name} ${version}`;
}

const isZip = (bytes: Buffer): boolean => /^PK(?:\x03\x04|\x05\x06|00PK)/.test(bytes.toString("latin1", 0, 6));

/** What the first octets say by our own marks; empty if they say nothing. */
function ownReading(bytes: Buffer): readonly string[] {
  if (isZip(bytes)) return readZipFamily(bytes);
  const ole = readOle(bytes);
  if (ole) return ole;
  if (isBareBiff(bytes)) return bareWorkbook(bytes);
  const type = byMagic(bytes);
  if (type) return [type];
  const cms = readCms(bytes);
  if (cms) return cms;
  if (readMacBinary(bytes)) return ["application/x-macbinary"];
  return hasTarChecksum(bytes) ? ["application/x-tar"] : [];
}

/** Script hosts forgive control characters; we take them out and look again. */
function almostText(bytes: Buffer): readonly string[] {
  const head = bytes.toString("latin1", 0, 8192);
  const cleaned = head.replace(/[\x00-\x08\x0e-\x1f]/g, "");
  if (cleaned.length < head.length * 0.9) return [];
  return classifyText(cleaned).filter((type) => type !== plain);
}

/** What is not worth saying: "something"; a guess at text or mail that our own marks know better; a program by one octet, as libmagic takes DOS jumps, which is one in a hundred of all encrypted files. */
const isVague = (type: string): boolean =>
  type === octets ||
  type === dosExecutable ||
  type === "application/x-elf" ||
  type === mbox ||
  type.startsWith("text/") ||
  type.startsWith("inode/") ||
  type === "application/json";

/** What can be written without a single control character; two or three letters at the front make no program of a text. */
const isMadeOfText = (type: string): boolean => ["document", "markup", "message"].includes(typeInfo(type).kind);

const orElse = (types: readonly string[], otherwise: string): readonly string[] =>
  types.length > 0 ? types : [otherwise];

/** Distinct, traits last. */
function ordered(types: readonly string[]): readonly string[] {
  const all = [...new Set(types)];
  const isTrait = (type: string) => typeInfo(type).kind === "trait";
  return [...all.filter((type) => !isTrait(type)), ...all.filter(isTrait)];
}

export async function createIdentifier(): Promise<Identifier> {
  // libmagic's tests for text take 20 ms on ordinary prose, and our own marks are finer.
  const loadMagic = (): Promise<WASMagic> =>
    WASMagic.create({ flags: WASMagicFlags.MIME_TYPE | WASMagicFlags.NO_CHECK_TEXT });
  // Loaded when first asked: it takes 25 MB, and ordinary mail is known by our own marks.
  let magic: Promise<WASMagic> | null = null;

  /** Both detectors, where our own marks say nothing. */
  async function detectors(head: Buffer): Promise<readonly string[]> {
    magic ??= loadMagic();
    const guesses = [(await magic).detect(head)];
    try {
      guesses.push((await fileTypeFromBuffer(head))?.mime ?? octets);
    } catch {
      // It gives up on damaged files by throwing; then it has no opinion.
    }
    const known = [...new Set(guesses.map(canonical))].filter((type) => !isVague(type));
    return known.some(isKnown) ? known.filter(isKnown) : known;
  }

  async function lead(bytes: Buffer, role: Role): Promise<readonly string[]> {
    const own = ownReading(bytes);
    const text = readText(bytes);
    const armoured = text === null ? null : readArmoured(text);
    if (armoured) return armoured;
    if (own.length > 0) return text === null ? own : [...own, ...classifyText(text).filter((type) => type !== plain)];
    if (text !== null && role === "body") return [classifyBody(text)];
    const told = text === null ? almostText(bytes) : classifyText(text);
    if (told.length > 0 && told[0] !== plain) return told;
    if (text === null) return orElse(await detectors(bytes.subarray(0, headBytes)), octets);
    const guessed = await detectors(bytes.subarray(0, textHeadBytes));
    return orElse(guessed.filter(isMadeOfText), plain);
  }

  async function identify(bytes: Buffer, role: Role): Promise<readonly string[]> {
    if (role === "message" || role === "attached-message") return [rfc822];
    if (bytes.length === 0) return [empty];
    const first = await lead(bytes, role);
    const second = secondMeanings(bytes, first[0] ?? "");
    const saysNothing = first[0] === plain || first[0] === octets;
    return ordered(second.length > 0 && saysNothing ? second : [...first, ...second]);
  }

  return { version: [ownVersion, installed("file-type"), installed("wasmagic")].join(", "), identify };
}
