/** Takes a message apart: octets in, a tree of parts out. Pure, total, and bounded by its limits. */
import { hash } from "node:crypto";
import type { DissectLimits } from "../core/job.ts";
import type { HeaderSummary, Part, Sha256 } from "../core/message.ts";
import type { Dissection } from "../core/outcome.ts";
import { type Field, valuesOf } from "./header.ts";
import { omissions } from "./outline.ts";
import { Walk } from "./walk.ts";
import { decodeWords } from "./words.ts";

/** Goes up whenever the same octets give other parts or outcomes. */
export const dissectVersion = "2";

const longest = 1000;
/** Octets that are decoded for the summary: enough for `longest` characters in any encoding. */
const mostOctets = 16 * 1024;

/** Code points, not halves of them. */
function cut(text: string): string {
  const clean = text.replace(/[\t\r\n]+/g, " ").trim();
  return clean.length <= longest ? clean : clean.slice(0, longest).replace(/[\ud800-\udbff]$/, "");
}

function summarise(fields: readonly Field[]): HeaderSummary {
  const first = (name: string): string => cut(decodeWords((valuesOf(fields, name)[0] ?? "").slice(0, mostOctets)));
  return {
    subject: first("subject"),
    from: first("from"),
    to: first("to"),
    messageId: first("message-id"),
    date: first("date"),
  };
}

/** The whole message says nothing twice: what its parts show decoded is left out of it. */
function outlined(parts: readonly Part[]): readonly Part[] {
  const [whole, ...others] = parts;
  const omitted = omissions(others);
  if (!whole?.view || omitted.length === 0) return parts;
  return [{ ...whole, view: { ...whole.view, omitted } }, ...others];
}

/** Never throws, whatever the octets. Every view lies inside `message`; `parts[0]` is the whole. */
export function dissect(message: Buffer, limits: DissectLimits): Dissection {
  const walk = new Walk(message, limits);
  const header = walk.run();
  const parts = outlined(walk.parts.list());
  return {
    parts,
    outcomes: walk.report.outcomes(new Set(parts.map(({ path }) => path))),
    header: summarise(header.fields),
    sha256: parts[0]?.sha256 ?? (hash("sha256", message, "hex") as Sha256),
    size: message.length,
  };
}
