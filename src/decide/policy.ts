/** The shape of a policy: lines that are tried from the top for each recipient; the first that matches decides. docs/policy.md explains it. */
import { z } from "zod";
import { parseNetwork } from "../core/network.ts";
import { incompletes, severities } from "../core/outcome.ts";
import type { PolicyPlace } from "../core/verdict.ts";
import { parseDuration, parseSize } from "../core/units.ts";

const list = <T extends z.ZodType>(item: T) => z.union([item.transform((one) => [one]), z.array(item).min(1)]);
/** What SMTP may carry in a reply (RFC 5321 §4.2: textstring), and not longer than a line may be with its code. */
const printable = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^[\x20-\x7e]*$/, "must be plain ASCII on one line");
const pattern = z.string().min(1).max(256).toLowerCase();
const word = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,31}$/, "must be lower-case letters, digits, `.`, `_`, `-`");
const network = z
  .string()
  .transform((text) => ({ text, network: parseNetwork(text) }))
  .refine((parsed) => parsed.network !== null, "must be a network such as 192.0.2.0/24 or 2001:db8::/32");
const sizeWords = "must be a size such as 64KiB, 25MiB or 2GiB";
const size = z
  .string(sizeWords)
  .refine((text) => parseSize(text) !== null, sizeWords)
  .transform((text) => parseSize(text) ?? 0);
const durationWords = "must be a duration such as 30m, 2h or 1d";
const duration = z
  .string(durationWords)
  .refine((text) => (parseDuration(text) ?? 0) > 0, durationWords)
  .transform((text) => parseDuration(text) ?? 0);

export const outcomeNames = ["clean", "found", "incomplete", ...incompletes] as const;
export type OutcomeName = (typeof outcomeNames)[number];

const partSchema = z.strictObject({
  role: list(z.enum(["message", "body", "attachment", "attached-message", "member", "artefact"])).optional(),
  name: list(pattern).optional(),
  extension: list(pattern.transform((text) => text.replace(/^\./, ""))).optional(),
  type: list(pattern).optional(),
  larger_than: size.optional(),
});

/** Keys of one mapping must all hold, and those about findings and parts must hold of one and the same finding and part. Values of a list: one is enough. */
const conditionSchema = z.strictObject({
  route: list(pattern).optional(),
  direction: z.enum(["inbound", "outbound"]).optional(),
  recipient: list(pattern).optional(),
  sender: list(pattern).optional(),
  client: list(network).optional(),
  larger_than: size.optional(),
  outcome: list(z.enum(outcomeNames)).optional(),
  severity: z.enum(severities).optional(),
  rule: list(pattern).optional(),
  tag: list(pattern).optional(),
  inspector: list(pattern).optional(),
  part: partSchema.optional(),
  get any() {
    return z.array(conditionSchema).min(1).optional();
  },
  get all() {
    return z.array(conditionSchema).min(1).optional();
  },
  get not() {
    return conditionSchema.optional();
  },
});

export type Condition = z.output<typeof conditionSchema>;
export type PartCondition = z.output<typeof partSchema>;

const common = { name: z.string().min(1).max(64).optional(), if: conditionSchema.optional() };

/** The replies that a policy may give: each says "policy" or "content", so that no client takes it for a fault of the address. */
export const rejectCodes = ["550 5.7.1", "554 5.7.1", "554 5.6.0", "552 5.3.4"] as const;
export const deferCodes = ["451 4.7.1", "450 4.7.1", "451 4.3.0"] as const;

const lineSchema = z.discriminatedUnion("then", [
  z.strictObject({ ...common, then: z.literal("forward"), tags: z.array(word).max(16).default([]) }),
  z.strictObject({ ...common, then: z.literal("quarantine"), reason: z.string().min(1).max(300).optional() }),
  z.strictObject({
    ...common,
    then: z.literal("strip"),
    reason: z.string().min(1).max(300).optional(),
    notice: z.string().min(1).max(2000).optional(),
    signed: z.boolean().default(false),
    otherwise: z.enum(["quarantine", "reject"]).default("quarantine"),
  }),
  z.strictObject({ ...common, then: z.literal("hold"), for: duration, reason: z.string().min(1).max(300).optional() }),
  z.strictObject({
    ...common,
    then: z.literal("reject"),
    code: z.enum(rejectCodes).default("550 5.7.1"),
    text: printable(300).default("Message refused by the content policy of this site"),
  }),
  z.strictObject({
    ...common,
    then: z.literal("defer"),
    code: z.enum(deferCodes).default("451 4.7.1"),
    text: printable(300).default("Message cannot be taken now, please try again later"),
  }),
]);

/** What may stand in braces in the `notice` of a line that strips. */
export const noticeWords = ["removed", "reason", "id", "gateway", "contact"] as const;
export type NoticeWord = (typeof noticeWords)[number];

export type PolicyLine = z.output<typeof lineSchema>;

export const policySchema = z.strictObject({
  version: z.literal(1, "must be 1, the only format that this version knows"),
  rules: z.array(lineSchema).min(1),
});

/** A policy that was checked: it ends in a line without conditions, so that it has an answer for every message. */
export interface Policy {
  /** Changes with every change of the text; part of each verdict. */
  readonly version: string;
  readonly lines: readonly PolicyLine[];
  /** Where each line stands; absent for a policy that was written in no file. */
  readonly places?: readonly PolicyPlace[];
}
