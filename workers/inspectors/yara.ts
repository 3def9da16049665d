/** Shows a part to the YARA rules, once for each name that it may have, and says what they found in the words of findings. */
import type { Externals } from "../../src/core/job.ts";
import type { Part } from "../../src/core/message.ts";
import { type Finding, type Outcome, type Severity, severities } from "../../src/core/outcome.ts";
import { nameExternals, usedExternals } from "../../src/rulepacks/externals.ts";
import { type CompiledRules, type RuleHit, type RuleSource, ScanTimeout } from "../engines/engine.ts";
import { transcribed } from "../identify/text.ts";
import { fileWord } from "./file-words.ts";
import type { Inspector } from "./inspector.ts";

/** What must be known of the sources besides their compiled form; can go to another process as JSON. */
export interface RuleFacts {
  /** External variables that the rules read. */
  readonly used: readonly string[];
  /** Pack → severity of its rules that state none. */
  readonly severities: Readonly<Record<string, Severity>>;
}

/** Of rules and packs that state none: whoever adds a plain rule expects that it stops what it matches. */
export const defaultSeverity: Severity = "high";

export function factsOf(sources: readonly RuleSource[]): RuleFacts {
  const stated = sources.flatMap(({ pack, severity }) => (severity ? [[pack, severity] as const] : []));
  return { used: [...usedExternals(sources)], severities: Object.fromEntries(stated) };
}

const isSeverity = (value: unknown): value is Severity => (severities as readonly unknown[]).includes(value);

/** `score` as in the style guide of Neo23x0, from 0 to 100: below 40 very low, below 60 noteworthy, below 75 suspicious. */
function severityOfScore(score: number): Severity {
  if (score < 40) return "info";
  if (score < 60) return "low";
  if (score < 75) return "medium";
  return score < 90 ? "high" : "critical";
}

/** `severity` counts before `score`, and both before what the pack says. */
export function severityOf({ severity, score }: RuleHit["meta"], otherwise: Severity): Severity {
  const word = String(severity ?? "").toLowerCase();
  if (isSeverity(word)) return word;
  const points = score === undefined || score === "" ? Number.NaN : Number(score);
  return Number.isFinite(points) ? severityOfScore(points) : otherwise;
}

const textLimit = 300;

function toFinding(part: Part, hit: RuleHit, facts: RuleFacts): Finding {
  const { pack, rule, tags, meta, matches } = hit;
  const described = typeof meta.description === "string" && meta.description !== "" ? meta.description : null;
  return {
    part: part.path,
    inspector: "yara",
    rule: `${pack}.${rule}`,
    severity: severityOf(meta, facts.severities[pack] ?? defaultSeverity),
    tags,
    text: (described ?? `The rule ${rule} matched`).slice(0, textLimit),
    matches,
    meta,
  };
}

/** Archives part folders with either slash. */
const baseName = (path: string): string => path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);

function extensionOf(name: string): string {
  const dot = name.lastIndexOf(".");
  return dot < 0 ? "" : name.slice(dot).toLowerCase();
}

/** Every variable that depends on the part, with `path` taken for its true name; the rest is as `message` says. */
export function ruleExternals(part: Part, bytes: Uint8Array, path: string, message: Externals): Externals {
  const filename = baseName(path);
  const slash = part.path.indexOf("/");
  const inner = slash < 0 ? "" : part.path.slice(slash);
  return {
    ...message,
    filename,
    filepath: path,
    extension: extensionOf(filename),
    filetype: fileWord(bytes),
    owner: "",
    filemode: 0,
    part_path: inner,
    part_role: part.role,
    declared_type: part.declaredTypes[0] ?? "",
    identified_type: part.types[0] ?? "",
    depth: inner.split("/").length - 1,
    password_opened: part.opened !== undefined,
  };
}

export interface YaraInspectorOptions {
  readonly rules: CompiledRules;
  readonly facts: RuleFacts;
  /** Of the engine and the rules together. */
  readonly version: string;
}

export function createYaraInspector({ rules, facts, version }: YaraInspectorOptions): Inspector {
  const names = facts.used.filter((name) => nameExternals.has(name));

  /** The variables for each candidate name, as far as the rules can tell them apart. */
  function candidates(part: Part, bytes: Uint8Array, message: Externals): Iterable<Externals> {
    const distinct = new Map<string, Externals>();
    for (const path of part.names.length > 0 ? part.names : [""]) {
      const externals = ruleExternals(part, bytes, path, message);
      const key = JSON.stringify(names.map((name) => externals[name]));
      if (!distinct.has(key)) distinct.set(key, externals);
    }
    return distinct.values();
  }

  /** Rules for scripts and pages are written in ASCII: text in UTF-16 is shown to them in UTF-8 as well. */
  function look(octets: Uint8Array, externals: Externals, part: Part, found: Map<string, Finding>): void {
    for (const hit of rules.scan(octets, externals)) {
      const finding = toFinding(part, hit, facts);
      if (!found.has(finding.rule)) found.set(finding.rule, finding);
    }
  }

  return {
    name: "yara",
    version,
    wants: () => true,
    inspect(part, bytes, message): Outcome {
      const found = new Map<string, Finding>();
      const wide = transcribed(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
      try {
        for (const externals of candidates(part, bytes, message)) {
          look(bytes, externals, part, found);
          if (wide) look(wide, externals, part, found);
        }
      } catch (error) {
        if (!(error instanceof ScanTimeout)) throw error;
        const text = "The rules did not come to an end in time";
        return { part: part.path, inspector: "yara", kind: "incomplete", why: "timeout", text };
      }
      const findings = [...found.values()];
      if (findings.length === 0) return { part: part.path, inspector: "yara", kind: "clean" };
      return { part: part.path, inspector: "yara", kind: "found", findings };
    },
  };
}
