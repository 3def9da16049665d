/** What `scan --json` and `explain --json` say, as schemas: docs/schema is printed from them, and a test holds real output against it. */
import { z } from "zod";
import type {
  Client,
  Envelope,
  ForwardPath,
  HeaderSummary,
  Part,
  Role,
  Span,
  TransferEncoding,
  View,
} from "../core/message.ts";
import { artefacts } from "../core/message.ts";
import {
  type Dissection,
  type Finding,
  incompletes,
  type Inspection,
  type PatternMatch,
  severities,
} from "../core/outcome.ts";
import { passwordSources } from "../core/password.ts";
import { states } from "../core/state.ts";
import type { Reply } from "../core/status.ts";
import type { Group, PolicyPlace, Strip, Verdict } from "../core/verdict.ts";
import type { Held } from "../review/review.ts";
import type { Delivery, PathDelivery, Removed, ReviewLine, SplitPart, Stripped } from "../spool/spool.ts";
import type { Departed } from "./departed.ts";

/** Every key of T, and no other: a new one does not compile until it is published. */
const exactly =
  <T>() =>
  <S extends Record<keyof T, z.ZodType> & Record<Exclude<keyof S, keyof T>, never>>(shape: S) =>
    z.strictObject(shape);

/** Every word of a union, and no other, for the same reason. */
const words = <T extends string>(all: Readonly<Record<T, null>>) => z.enum(Object.keys(all) as [T, ...T[]]);
const encoding = words<TransferEncoding>({
  identity: null,
  base64: null,
  "base64-joined": null,
  "base64-groups": null,
  "base64-url": null,
  "quoted-printable": null,
  "quoted-printable-bare": null,
  "quoted-printable-strict": null,
  uuencode: null,
  yenc: null,
  binhex: null,
  "binhex-resource": null,
});
const role = words<Role>({
  message: null,
  body: null,
  attachment: null,
  "attached-message": null,
  member: null,
  artefact: null,
});

const text = z.string();
const texts = z.array(text);
const count = z.int().nonnegative();
const sha256 = text.regex(/^[0-9a-f]{64}$/);
const queueId = text.regex(/^[0-9A-Z]{26}$/);
const time = text.describe("RFC 3339, UTC");
const path = text.describe(
  '"0" is the message, "1.2" a body part, "1.2/3" a member of it, "1.2~2" another reading of it, "1.2.raw1" what was found in it whatever its structure says',
);
const severity = z.enum(severities);
const incomplete = z.enum(incompletes);

const view = exactly<View>()({
  offset: count,
  length: count,
  encoding,
  omitted: z
    .array(exactly<Span>()({ start: count, end: count }))
    .optional()
    .describe("octets that are parts of their own"),
});

const part = exactly<Part>()({
  path,
  role,
  sha256,
  size: count.describe("octets, decoded"),
  names: texts.describe("every candidate, the most plausible first"),
  declaredTypes: texts.describe("what the sender claims"),
  types: texts.describe("what the octets are"),
  view: view.nullable().describe("where its octets lie in the message; null for what was found inside a part"),
  opened: z.enum(passwordSources).optional().describe("it lay behind a password, which came from there"),
  derived: z.strictObject({ kind: z.enum(artefacts), from: path }).optional(),
});

const finding = exactly<Finding>()({
  part: path,
  inspector: text,
  rule: text,
  severity,
  tags: texts,
  text: text.describe("may quote the sender"),
  matches: z.array(exactly<PatternMatch>()({ pattern: text, offset: count, length: count })).optional(),
  meta: z.record(text, z.union([text, z.number(), z.boolean()])).optional(),
});

const outcome = z.discriminatedUnion("kind", [
  z.strictObject({ part: path, inspector: text, kind: z.literal("clean") }),
  z.strictObject({ part: path, inspector: text, kind: z.literal("found"), findings: z.array(finding) }),
  z.strictObject({
    part: path,
    inspector: text,
    kind: z.literal("incomplete"),
    why: incomplete,
    text: text.describe("what was not looked at, and why"),
  }),
]);

const dissection = exactly<Dissection>()({
  parts: z.array(part).min(1),
  outcomes: z.array(outcome),
  header: exactly<HeaderSummary>()({ subject: text, from: text, to: text, messageId: text, date: text }),
  sha256,
  size: count,
});

const inspection = exactly<Inspection>()({
  parts: z.array(part).describe("dissected parts with their identified types, and what was found inside them"),
  outcomes: z.array(outcome),
  versions: z.record(text, text).describe("inspector or extractor, and its version"),
  ruleSet: text,
  release: count.optional(),
  cached: count,
  elapsedMs: z.number().nonnegative(),
});

const reply = exactly<Reply>()({
  status: z.strictObject({
    class: z.union([z.literal(2), z.literal(4), z.literal(5)]),
    basic: count,
    subject: count,
    detail: count,
  }),
  text,
});
const quarantine = z.strictObject({ kind: z.literal("quarantine"), reason: text });
const reject = z.strictObject({ kind: z.literal("reject"), reply });
const disposition = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("forward"), tags: texts }),
  quarantine,
  exactly<Strip>()({
    kind: z.literal("strip"),
    reason: text,
    notice: text.nullable(),
    signed: z.boolean(),
    otherwise: z.discriminatedUnion("kind", [quarantine, reject]),
  }),
  z.strictObject({ kind: z.literal("hold"), reason: text, forMs: count }),
  reject,
  z.strictObject({ kind: z.literal("defer"), reply }),
]);

const group = exactly<Group>()({
  forwardPaths: texts,
  route: text,
  disposition,
  because: z.array(finding).describe("what led here, worst first, at most 100"),
  policyLine: text.describe("the name of the line of the policy that decided"),
  policyAt: exactly<PolicyPlace>()({ file: text, line: count }).optional().describe("where that line stands"),
  observed: disposition.optional().describe("what would have been done, where a route only observes"),
});

const summary = z.enum(["clean", "found", "incomplete"]);
const verdict = exactly<Verdict>()({
  groups: z.array(group).min(1).describe("recipients with the same disposition"),
  summary,
  policyVersion: text,
  ruleSet: text,
});

export const scannedSchema = z
  .array(z.strictObject({ file: text, summary, dissection, inspection, verdict }))
  .describe("sallyport scan FILE… --json: one for each file");

const envelope = exactly<Envelope>()({
  queueId,
  sessionId: text,
  client: exactly<Client>()({
    address: text,
    port: count,
    name: text.nullable(),
    helo: text,
    protocol: text,
    tls: text.nullable(),
  }),
  reversePath: text,
  forwardPaths: z.array(exactly<ForwardPath>()({ address: text, route: text })).min(1),
  extensions: z.strictObject({ eightBitMime: z.boolean(), smtpUtf8: z.boolean() }),
  arrivedAt: time,
  trace: text,
});

const delivery = exactly<Delivery>()({
  attempts: count,
  nextAttempt: time.nullable(),
  expires: time.nullable(),
  judging: z.boolean(),
  crashes: count,
  paths: z.record(
    text,
    exactly<PathDelivery>()({
      state: z.enum(["pending", "sent", "failed"]),
      reply: text,
      at: time,
      told: z.boolean().optional(),
    }),
  ),
  split: z.array(exactly<SplitPart>()({ id: queueId, forwardPaths: texts })).optional(),
  stripped: queueId.optional(),
});

const reviewLine = exactly<ReviewLine>()({
  at: time,
  by: text,
  what: z.enum(["released", "discarded", "rescanned", "commented"]),
  why: text,
  forwardPaths: texts.optional(),
  released: queueId.optional(),
});

const stripped = exactly<Stripped>()({
  from: queueId,
  policyLine: text,
  removed: z.array(exactly<Removed>()({ path, names: texts, types: texts, size: count, sha256 })),
});

const here = exactly<Held>()({
  id: queueId,
  state: z.enum([...states, "gone"]),
  envelope,
  size: count,
  dissection: dissection.nullable(),
  inspection: inspection.nullable(),
  verdict: verdict.nullable(),
  review: z.array(reviewLine),
  delivery: delivery.nullable().optional(),
  stripped: stripped.nullable().optional().describe("of a copy without some parts: what it was made from"),
});

const left = exactly<Departed>()({
  queueId,
  node: text,
  state: text,
  arrivedAt: time,
  route: text,
  client: text,
  reversePath: text,
  forwardPaths: texts,
  subject: text,
  size: count,
  sha256: text,
  disposition: z.enum(["forward", "strip", "quarantine", "hold", "reject", "defer"]).nullable(),
  summary: summary.nullable(),
  severity: severity.nullable(),
  rules: texts,
  names: texts,
  hashes: texts,
  reason: text,
  became: z.array(z.strictObject({ at: time, event: text, forwardPaths: texts, text })),
});

export const explainedSchema = z
  .union([
    here.describe("a message that is here"),
    left.describe("one that has left, as far as catalog and journal know"),
  ])
  .describe("sallyport explain ID --json");

/** As a file of docs/schema. */
export function schemaText(name: "scan" | "explain"): string {
  const schema = name === "scan" ? scannedSchema : explainedSchema;
  return JSON.stringify(
    { title: `sallyport ${name}`, ...z.toJSONSchema(schema, { target: "draft-2020-12", reused: "ref" }) },
    null,
    2,
  );
}
