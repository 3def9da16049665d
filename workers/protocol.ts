/** What the gateway and its children say to each other: the headers of their frames, and checks of what a child answered. */
import type { DissectJob, Externals, InspectJob, JobResult, StripJob, ViewJob } from "../src/core/job.ts";
import type { Edit } from "../src/core/cutting.ts";
import type { Bytes } from "../src/core/message.ts";
import { incompletes } from "../src/core/outcome.ts";
import { passwordLimits, passwordSources } from "../src/core/password.ts";
import type { RuleProblem } from "./engines/engine.ts";
import type { FrameLimits } from "./frames.ts";
import type { RuleFacts } from "./inspectors/yara.ts";

/** The first frame to an opener; its body is the rules as JSON, unless a matcher has them. */
export interface Init {
  readonly kind: "init";
  readonly ruleSet: string;
  readonly externals: Externals;
  /** Set where the rules are in a matcher, at the other end of descriptor 3. */
  readonly matcher: Compiled | null;
}

/** The first frame to a matcher, with the rules as body; or to a child that only compiles them and tells. */
export interface Compile {
  readonly kind: "compile";
  readonly engine: "wasm" | "native";
  readonly externals: Externals;
}

export interface Compiled {
  /** "yara-x 1.20.0 wasm" */
  readonly engine: string;
  /** The process is replaced after so many scans, for what its engine leaks; null if it may go on. */
  readonly recycleAfter: number | null;
  readonly ruleCount: number;
  readonly problems: readonly RuleProblem[];
  readonly facts: RuleFacts;
}

/** The answer to `init`. */
export interface Ready extends Compiled {
  /** Inspector, extractor, dissector → version. */
  readonly versions: Readonly<Record<string, string>>;
}

/** What a child takes from the gateway; a rule set may be large. */
export const orderLimits: FrameLimits = { header: 64 * 2 ** 20, body: 2 ** 30 };

export type JobOrder =
  | Omit<DissectJob, "content" | "deadlineMs">
  | Omit<InspectJob, "content" | "deadlineMs">
  | Omit<ViewJob, "content" | "deadlineMs">
  | Omit<StripJob, "content" | "deadlineMs">;

export interface Order {
  readonly kind: "job";
  readonly job: JobOrder;
  /** Where the octets are: in the body, in a file of the working folder, or still there from the last job. */
  readonly source:
    | { readonly from: "body" }
    | { readonly from: "file"; readonly name: string }
    | { readonly from: "kept" };
}

export interface Answer {
  readonly result: JobResult;
  /** The result stands, but a child that is worn is to be replaced; with one that broke the part is tried again. */
  readonly health: "well" | "worn" | "broken";
}

/** Up to this size a child keeps the content of its last job for the next one. */
export const keptBytes: Bytes = 4 * 2 ** 20;
/** A question to a matcher; its body is what to look at. */
export interface Look {
  readonly kind: "scan";
  readonly externals: Externals;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
const isText = (value: unknown): value is string => typeof value === "string";
const areTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every(isText);

export const isCompiled = (header: unknown): header is Compiled =>
  isObject(header) &&
  isText(header.engine) &&
  isNumber(header.ruleCount) &&
  (header.recycleAfter === null || isNumber(header.recycleAfter)) &&
  Array.isArray(header.problems) &&
  isObject(header.facts) &&
  areTexts(header.facts.used) &&
  isObject(header.facts.severities);
export const isReady = (header: unknown): header is Ready =>
  isCompiled(header) && isObject(header) && isObject(header.versions);

const isFinding = (value: unknown): boolean =>
  isObject(value) &&
  [value.part, value.inspector, value.rule, value.severity, value.text].every(isText) &&
  areTexts(value.tags);

const isIncomplete = ({ why, text }: Readonly<Record<string, unknown>>): boolean =>
  isText(text) && (incompletes as readonly unknown[]).includes(why);

function isOutcome(value: unknown): boolean {
  if (!isObject(value) || !isText(value.part) || !isText(value.inspector)) return false;
  if (value.kind === "clean") return true;
  if (value.kind === "found") return Array.isArray(value.findings) && value.findings.every(isFinding);
  return value.kind === "incomplete" && isIncomplete(value);
}

const isPart = (value: unknown): boolean =>
  isObject(value) &&
  [value.path, value.role, value.sha256].every(isText) &&
  isNumber(value.size) &&
  [value.names, value.declaredTypes, value.types].every(areTexts) &&
  (value.view === null || (isObject(value.view) && isNumber(value.view.offset) && isNumber(value.view.length)));

const isPartReport = (value: Readonly<Record<string, unknown>>): boolean =>
  areTexts(value.types) &&
  Array.isArray(value.members) &&
  value.members.every(isPart) &&
  isObject(value.spent) &&
  isNumber(value.spent.members) &&
  isNumber(value.spent.bytes) &&
  isObject(value.timings) &&
  isObject(value.versions);

const isPassword = (value: unknown): boolean =>
  isObject(value) &&
  isText(value.text) &&
  value.text.length <= passwordLimits.characters &&
  (passwordSources as readonly unknown[]).includes(value.from);
const isWords = (value: unknown): boolean =>
  isObject(value) &&
  typeof value.told === "boolean" &&
  Array.isArray(value.candidates) &&
  value.candidates.length <= passwordLimits.candidates &&
  value.candidates.every(isPassword);

const isDissection = (value: Readonly<Record<string, unknown>>): boolean =>
  Array.isArray(value.parts) &&
  value.parts.length > 0 &&
  value.parts.every(isPart) &&
  isObject(value.header) &&
  isText(value.sha256) &&
  isNumber(value.size) &&
  (value.words === undefined || isWords(value.words)) &&
  (value.ahead === undefined || (isObject(value.ahead) && Object.values(value.ahead).every(isAhead)));

const isAhead = (value: unknown): boolean =>
  isObject(value) && Array.isArray(value.outcomes) && value.outcomes.every(isOutcome) && isPartReport(value);

const isField = (value: unknown): boolean => isObject(value) && isText(value.name) && isText(value.value);
const isAttachment = (value: unknown): boolean =>
  isObject(value) &&
  isText(value.name) &&
  isText(value.type) &&
  isNumber(value.size) &&
  typeof value.related === "boolean";

const isView = (value: Readonly<Record<string, unknown>>): boolean =>
  Array.isArray(value.fields) &&
  value.fields.every(isField) &&
  isText(value.text) &&
  isText(value.html) &&
  Array.isArray(value.attachments) &&
  value.attachments.every(isAttachment) &&
  areTexts(value.cut) &&
  (value.incomplete === null || (isObject(value.incomplete) && isIncomplete(value.incomplete)));

const isEdit = (value: unknown): boolean =>
  isObject(value) &&
  [value.start, value.end].every((at) => Number.isSafeInteger(at) && (at as number) >= 0) &&
  ["nothing", "part", "body"].includes(String(value.put)) &&
  areTexts(value.parts);

/** That each edit ends before the next begins is what keeps the rest of the message as it is. */
function isCutting({ edits, signed, refusal }: Readonly<Record<string, unknown>>): boolean {
  if (!Array.isArray(edits) || !edits.every(isEdit) || typeof signed !== "boolean" || !isText(refusal)) return false;
  const ends = (edits as readonly Edit[]).flatMap(({ start, end }) => [start, end]);
  return ends.every((at, i) => i === 0 || at >= (ends[i - 1] ?? 0));
}

const isHealth = (value: unknown): boolean => value === "well" || value === "worn" || value === "broken";

/** A child may be in hostile hands: its answer has the right shape, or the child has failed. */
export function isAnswer(header: unknown, kind: JobOrder["kind"]): header is Answer {
  if (!isObject(header) || !isHealth(header.health) || !isObject(header.result)) return false;
  const { result } = header;
  if (kind === "view") return isView(result);
  if (kind === "strip") return isCutting(result);
  if (!Array.isArray(result.outcomes) || !result.outcomes.every(isOutcome)) return false;
  return kind === "dissect" ? isDissection(result) : isPartReport(result);
}
