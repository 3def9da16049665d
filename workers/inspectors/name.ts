/** Looks at the names of a part: every candidate, since each is what some reader will take. */
import type { Part } from "../../src/core/message.ts";
import type { Finding, Severity } from "../../src/core/outcome.ts";
import { kindsOfExtension } from "../identify/types.ts";
import { dangerOf, runs } from "./extensions.ts";
import type { Inspector } from "./inspector.ts";
import { type NameFinding, type NameRule, nameRules } from "./name-rules.ts";
import { control, directionControl, invisible, quote, type ReadName, readings, withoutTail } from "./read-name.ts";

const mostNames = 64;
/** Characters; NTFS, ext4 and APFS allow 255. */
const longestName = 255;

const looksHarmless = (extension: string): boolean => {
  const kinds = kindsOfExtension(extension);
  const harmless = ["document", "image", "media", "text", "markup", "message", "archive"] as const;
  return extension.length > 1 && dangerOf(extension) === null && harmless.some((kind) => kinds.has(kind));
};

type Check = (name: ReadName, part: Part) => Severity | null;

/** An attached message has its name from a subject, which may end with ".com". */
const dangerousExtension: Check = ({ extension }, part) =>
  part.role === "attached-message" ? null : dangerOf(extension);

const doubleExtension: Check = ({ extensions, extension }) => {
  const earlier = extensions.slice(0, -1).map((piece) => piece.split(/\s/u)[0] ?? "");
  if (!earlier.some(looksHarmless)) return null;
  if (dangerOf(extension) === "high" || dangerOf(extension) === "medium") return "high";
  const isPage = ["html", "htm", "shtml", "xhtml", "svg"].includes(extension);
  const hides = earlier.some((piece) =>
    ["document", "image", "archive"].some((kind) => [...kindsOfExtension(piece)].includes(kind as "image")),
  );
  return isPage && hides ? "medium" : null;
};

/** Blanks, or a line of underscores, shortly before the last dot. */
const paddedExtension: Check = ({ base, extension }) => {
  const plain = withoutTail(base);
  const before = plain.slice(0, Math.max(0, plain.search(/[.\uff0e\u2024][^.\uff0e\u2024]{0,40}$/u))).slice(-64);
  if (!/[\s\u2800\u3164]{6}|_{20}/u.test(before)) return null;
  return dangerOf(extension) === null ? "low" : "high";
};

const direction: Check = ({ base }) => {
  if (directionControl.test(base)) return "critical";
  return /[\u200e\u200f]/u.test(base) ? "info" : null;
};

const hidden: Check = ({ base, extension }) => {
  if (!invisible.test(base)) return null;
  return runs(extension) ? "high" : "medium";
};

const trailing: Check = ({ base, extension }) =>
  /[\s.]$/u.test(base) ? (dangerOf(extension) === null ? "info" : "medium") : null;

const fullWidth: Check = ({ base, extension }) => {
  const plain = withoutTail(base).toLowerCase();
  return dangerOf(extension) !== null &&
    /[\uff01-\uff5e\u2024\u{1d400}-\u{1d7ff}]/u.test(plain) &&
    !plain.endsWith(`.${extension}`)
    ? "high"
    : null;
};

const controls: Check = ({ raw }) =>
  raw.includes("\0") ? "high" : control.test(raw) ? "medium" : /[\t\r\n]/.test(raw) ? "info" : null;

const path: Check = ({ raw, components }, part) => {
  if (components.slice(0, -1).some((component) => component.trim().startsWith("..") && withoutTail(component) === ""))
    return "high";
  const isStream = /\.\w{1,12}:[^\s:/\\]/.test(raw);
  const isAbsolute = /^(?:[/\\]|[A-Za-z]:[/\\])/.test(raw);
  if (part.role === "member") return isAbsolute || isStream ? "medium" : null;
  return isStream ? "medium" : components.length > 1 ? "info" : null;
};

const classId: Check = ({ extension }) => (/^\{[0-9a-f]{8}-[0-9a-f-]{27}\}$/.test(extension) ? "high" : null);

const long: Check = ({ base }) => (base.length > longestName ? "low" : null);

const checks: Readonly<Record<Exclude<NameRule, "name.conflict">, Check>> = {
  "name.dangerous-extension": dangerousExtension,
  "name.double-extension": doubleExtension,
  "name.padded-extension": paddedExtension,
  "name.direction": direction,
  "name.invisible": hidden,
  "name.trailing": trailing,
  "name.full-width": fullWidth,
  "name.control-character": controls,
  "name.path": path,
  "name.class-id": classId,
  "name.long": long,
};

const ranks: readonly Severity[] = ["info", "low", "medium", "high", "critical"];

/** The gravest case of one rule among all names. */
function worst(rule: Exclude<NameRule, "name.conflict">, names: readonly ReadName[], part: Part): NameFinding[] {
  let found: { readonly severity: Severity; readonly raw: string } | null = null;
  for (const name of names) {
    const severity = checks[rule](name, part);
    if (severity && (!found || ranks.indexOf(severity) > ranks.indexOf(found.severity)))
      found = { severity, raw: name.raw };
  }
  return found ? [{ rule, severity: found.severity, names: [found.raw] }] : [];
}

/** Two names of which some readers take the one and some the other. */
function conflict(names: readonly ReadName[]): NameFinding[] {
  const known = names.filter(({ extension }) => dangerOf(extension) !== null || kindsOfExtension(extension).size > 0);
  for (const [index, one] of known.entries())
    for (const other of known.slice(index + 1)) {
      if (one.extension === other.extension) continue;
      const acts = [one, other].filter(({ extension }) => dangerOf(extension) !== null).length;
      const shared = [...kindsOfExtension(one.extension)].some((kind) => kindsOfExtension(other.extension).has(kind));
      if (acts === 1) return [{ rule: "name.conflict", severity: "high", names: [one.raw, other.raw] }];
      if (!shared && acts === 0) return [{ rule: "name.conflict", severity: "medium", names: [one.raw, other.raw] }];
    }
  return [];
}

const tags: Partial<Record<NameRule, readonly string[]>> = {
  "name.double-extension": ["masquerade"],
  "name.padded-extension": ["masquerade"],
  "name.direction": ["masquerade"],
  "name.full-width": ["masquerade"],
  "name.conflict": ["masquerade"],
};

function findings(part: Part): Finding[] {
  const names = part.names.slice(0, mostNames).flatMap(readings);
  const rules = Object.keys(checks) as Exclude<NameRule, "name.conflict">[];
  const found = [...rules.flatMap((rule) => worst(rule, names, part)), ...conflict(names)];
  return found.map(({ rule, severity, names: raw }) => ({
    part: part.path,
    inspector: "name",
    rule,
    severity,
    tags: tags[rule] ?? [],
    text: `${nameRules[rule]}: ${raw.map(quote).join(", ")}`.slice(0, 300),
  }));
}

export const nameInspector: Inspector = {
  name: "name",
  version: "1",
  namesOnly: true,
  wants: (part) => part.names.length > 0 && part.role !== "message",
  inspect(part) {
    const found = findings(part);
    const { path: where } = part;
    return found.length > 0
      ? { part: where, inspector: "name", kind: "found", findings: found }
      : { part: where, inspector: "name", kind: "clean" };
  },
};
