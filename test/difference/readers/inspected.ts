/** What our own code looks at in a message: every byte string that an inspector is shown. */
import { createHash } from "node:crypto";
import type { Dissection } from "../../../src/core/outcome.ts";
import { decodeView } from "../../../src/dissect/decode.ts";
import { dissect } from "../../../src/dissect/dissect.ts";
import { createExaminer } from "../../../workers/examine.ts";
import type { Inspector } from "../../../workers/inspectors/inspector.ts";
import { type Extracted, plainHash } from "./readers.ts";

const limits = { parts: 2000, depth: 16, headerBytes: 1024 * 1024 };
const jobLimits = { members: 5000, bytes: 64 * 1024 * 1024, memberBytes: 16 * 1024 * 1024, depth: 16, ratio: 100 };

export interface Inspected {
  readonly dissection: Dissection;
  /** Hashes, as they are and without line ends. */
  readonly hashes: ReadonlySet<string>;
  /** All of them without CR, for texts that stand within. */
  readonly texts: readonly string[];
}

export async function createInspected(): Promise<(message: Buffer) => Promise<Inspected>> {
  let seen: Buffer[] = [];
  const recorder: Inspector = {
    name: "recorder",
    version: "1",
    wants: () => true,
    inspect(part, bytes) {
      seen.push(Buffer.from(bytes));
      return { part: part.path, inspector: "recorder", kind: "clean" };
    },
  };
  const examiner = await createExaminer([recorder]);
  return async (message) => {
    seen = [];
    const dissection = dissect(message, limits);
    for (const part of dissection.parts)
      if (part.view) await examiner.examine(part, decodeView(message, part.view), {}, jobLimits);
    const hashes = new Set<string>();
    const texts: string[] = [];
    for (const octets of seen) {
      const { plain, plainSha256 } = plainHash(octets);
      hashes.add(createHash("sha256").update(octets).digest("hex")).add(plainSha256);
      texts.push(plain.toString("latin1"));
    }
    return { dissection, hashes, texts };
  };
}

/** Smaller than anything that could do harm: what is left of a broken structure. */
const trifle = 4;

/** What a reader extracts and we have not looked at. Text to be read counts as seen if it stands within something that was. */
export const unseen = (found: readonly Extracted[], { hashes, texts }: Inspected): readonly Extracted[] =>
  found.filter(
    ({ sha256, plainSha256, size, body, slips }) =>
      size > trifle &&
      !slips &&
      !hashes.has(sha256) &&
      !hashes.has(plainSha256) &&
      !(body !== null && texts.some((text) => text.includes(body))),
  );
