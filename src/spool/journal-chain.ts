/** The hash chain of the journal: each line holds the SHA-256 of the line before it, over the borders of days. */
import { hash } from "node:crypto";
import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { GatewayError } from "../core/errors.ts";
import { errnoOf } from "./durable.ts";
import { readOptional } from "./entry-files.ts";
import type { JournalLine } from "./journal.ts";

/** What the first line of all says of the one before it. */
export const noLine = "0".repeat(64);
export const anchorFile = "anchor.json";
const fileShape = /^\d{4}-\d{2}-\d{2}\.ndjson$/;
const pieceBytes = 1024 * 1024;
const lineEnd = 0x0a;

/** Where the chain begins after older days were removed. */
export interface Anchor {
  /** The oldest file that is kept. */
  readonly file: string;
  /** Hash of the last line before it. */
  readonly prev: string;
}

export const fileOf = (day: Date): string => `${day.toISOString().slice(0, 10)}.ndjson`;

export const hashOf = (line: Uint8Array): string => hash("sha256", line, "hex");

export const encode = (line: JournalLine, prev: string): Buffer => Buffer.from(JSON.stringify({ prev, ...line }));

const damaged = (file: string, line: number, why: string): GatewayError =>
  new GatewayError("JOURNAL_DAMAGED", { file, line, why });

export interface Days {
  /** Oldest first. */
  readonly files: readonly string[];
  /** Before the anchor: a crash has left them. */
  readonly stale: readonly string[];
  readonly anchor: Anchor;
}

export async function filesOf(folder: string): Promise<Days> {
  const anchor = await readAnchor(folder);
  const found = await readdir(folder).catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  });
  const days = found.filter((name) => fileShape.test(name)).sort();
  return {
    files: days.filter((name) => name >= anchor.file),
    stale: days.filter((name) => name < anchor.file),
    anchor,
  };
}

async function readAnchor(folder: string): Promise<Anchor> {
  const bytes = await readOptional(join(folder, anchorFile));
  if (bytes === null) return { file: "", prev: noLine };
  try {
    const { file, prev } = JSON.parse(bytes.toString("utf8")) as Partial<Anchor>;
    if (typeof file === "string" && fileShape.test(file) && typeof prev === "string") return { file, prev };
  } catch {
    // Said below.
  }
  throw damaged(anchorFile, 1, "not an anchor");
}

/** The lines of a file without their ends, and how many octets lie behind the last line end. */
export async function* linesOf(path: string): AsyncGenerator<Buffer, number> {
  const file = await open(path);
  try {
    let rest: Buffer[] = [];
    for (;;) {
      const piece = Buffer.allocUnsafe(pieceBytes);
      const { bytesRead } = await file.read(piece, 0, pieceBytes);
      if (bytesRead === 0) return Buffer.concat(rest).length;
      const got = piece.subarray(0, bytesRead);
      let from = 0;
      for (let end = got.indexOf(lineEnd); end !== -1; end = got.indexOf(lineEnd, from)) {
        rest.push(got.subarray(from, end));
        yield rest.length === 1 ? (rest[0] ?? Buffer.alloc(0)) : Buffer.concat(rest);
        rest = [];
        from = end + 1;
      }
      if (from < got.length) rest.push(got.subarray(from));
    }
  } finally {
    await file.close();
  }
}

function parse(bytes: Buffer): ({ readonly prev: string } & JournalLine) | null {
  try {
    const value = JSON.parse(bytes.toString("utf8")) as Readonly<Record<string, unknown>> | null;
    const isLine =
      typeof value?.["prev"] === "string" && typeof value["at"] === "string" && typeof value["event"] === "string";
    return isLine ? (value as unknown as { readonly prev: string } & JournalLine) : null;
  } catch {
    return null;
  }
}

/** The verified lines of one file. Returns the hash that the next file must continue. */
async function* readDay(folder: string, file: string, prev: string): AsyncGenerator<JournalLine, string> {
  let number = 0;
  let expected = prev;
  // A piece without line end is being written by another process, or was never acknowledged.
  for await (const bytes of linesOf(join(folder, file))) {
    number += 1;
    const line = parse(bytes);
    if (!line) throw damaged(file, number, "not a line of the journal");
    if (line.prev !== expected) throw damaged(file, number, "the line before it was changed, removed or added");
    const { prev: _, ...rest } = line;
    yield rest;
    expected = hashOf(bytes);
  }
  return expected;
}

/** All lines of these files, verified. Throws JOURNAL_DAMAGED naming file and line. */
export async function* readDays(folder: string, files: readonly string[], prev: string): AsyncGenerator<JournalLine> {
  let expected = prev;
  for (const file of files) expected = yield* readDay(folder, file, expected);
}

/** Where the next line goes: the hash of the last whole line, the octets up to its end, and how many lie behind that. */
export interface Tail {
  readonly prev: string | null;
  readonly goodBytes: number;
  readonly torn: number;
}

/**
 * A power cut may leave a piece of a line, or zeros where pages never reached the disk. Such octets were not acknowledged, and lie
 * within the last group; zeros further up are damage, which read() names.
 */
export async function tailOf(path: string, groupBytes: number): Promise<Tail> {
  const doubtfulFrom = (await stat(path)).size - groupBytes;
  let last: Buffer | null = null;
  let goodBytes = 0;
  let torn = 0;
  const lines = linesOf(path);
  for (;;) {
    const next = await lines.next();
    if (next.done) return { prev: last && hashOf(last), goodBytes, torn: torn + next.value };
    const length = next.value.length + 1;
    if (torn > 0 || (goodBytes >= doubtfulFrom && next.value.includes(0))) torn += length;
    else {
      last = next.value;
      goodBytes += length;
    }
  }
}

/** What the line after the last one of these files must hold as `prev`. */
export async function lastHash(folder: string, files: readonly string[], anchor: Anchor): Promise<string> {
  for (const file of files.toReversed()) {
    const { prev } = await tailOf(join(folder, file), 0);
    if (prev !== null) return prev;
  }
  return anchor.prev;
}
