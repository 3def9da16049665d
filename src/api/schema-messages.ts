/** Messages as the API shows them. */
import { z } from "zod";
import { many, paging, pageOf, piece, queueId, severity, sha256, time } from "./schema-common.ts";

export const messageState = z.enum([
  ...["incoming", "active", "deferred", "quarantine", "corrupt"],
  ...["forwarded", "rejected", "discarded", "bounced", "expired"],
] as const);
const disposition = z.enum(["forward", "strip", "quarantine", "hold", "reject", "defer"]);

export const summary = z.object({
  id: queueId,
  node: z.string().meta({ description: "The gateway that holds it." }),
  state: messageState.meta({ description: "`quarantine` is held; `forwarded` … is what became of it." }),
  arrivedAt: time,
  route: z.string(),
  client: z.string(),
  sender: z.string().meta({ description: "Reverse-path; empty is `<>`." }),
  recipients: z.array(z.string()),
  subject: z.string(),
  size: z.int(),
  sha256: z.string(),
  disposition: disposition.nullable(),
  summary: z.enum(["clean", "found", "incomplete"]).nullable(),
  severity: severity.nullable(),
  rules: z.array(z.string()).meta({ description: "First what it was held for, then the worst; at most 50." }),
  files: z.array(z.string()).meta({ description: "Names of attachments and of files inside them." }),
  hashes: z.array(z.string()),
  reason: z.string(),
});
export type MessageSummary = z.infer<typeof summary>;

/** What lists and figures are filtered by; all that is given must hold. */
export const filters = z.object({
  state: many(messageState).optional(),
  severity: many(severity).optional(),
  disposition: many(disposition).optional(),
  route: many(z.string().max(253)).optional(),
  node: many(z.string().max(63)).optional(),
  text: piece.optional().meta({ description: "Words in sender, recipients, subject, file names or rules." }),
  sender: piece.optional(),
  recipient: piece.optional(),
  subject: piece.optional(),
  file: piece.optional(),
  rule: piece.optional(),
  sha256: sha256.optional().meta({ description: "Of the message, a part or a file inside one." }),
  since: time.optional(),
  until: time.optional(),
});
export const listQuery = filters.extend(paging);
export const messagePage = pageOf(summary);

const part = z.object({
  path: z.string(),
  role: z.enum(["message", "body", "attachment", "attached-message", "member", "artefact"]),
  sha256: z.string(),
  size: z.int(),
  names: z.array(z.string()),
  declaredTypes: z.array(z.string()),
  types: z.array(z.string()),
  derived: z.object({ kind: z.string(), from: z.string() }).optional(),
  hasWindow: z.boolean().meta({ description: "Its octets can be looked at around an offset." }),
});

const finding = z.object({
  part: z.string(),
  inspector: z.string(),
  rule: z.string(),
  severity,
  tags: z.array(z.string()),
  text: z.string(),
  matches: z.array(z.object({ pattern: z.string(), offset: z.int(), length: z.int() })),
  meta: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});

const incomplete = z.object({
  part: z.string(),
  inspector: z.string(),
  why: z.enum(["malformed", "encrypted", "limit", "timeout", "crashed", "unsupported"]),
  text: z.string(),
});

export const message = summary.extend({
  isHere: z.boolean().meta({ description: "False: it has left; only what the catalog knows is shown." }),
  why: z.string().meta({ description: "One sentence." }),
  envelope: z
    .object({
      client: z.object({
        address: z.string(),
        port: z.int(),
        name: z.string().nullable(),
        helo: z.string(),
        protocol: z.string(),
        tls: z.string().nullable(),
      }),
      recipients: z.array(z.object({ address: z.string(), route: z.string() })),
    })
    .nullable(),
  header: z
    .object({ subject: z.string(), from: z.string(), to: z.string(), messageId: z.string(), date: z.string() })
    .nullable(),
  parts: z.array(part),
  findings: z.array(finding).meta({ description: "Worst first." }),
  incomplete: z.array(incomplete).meta({ description: "What could not be looked at to its end." }),
  verdict: z
    .object({
      policyVersion: z.string(),
      ruleSet: z.string(),
      release: z.int().nullable(),
      groups: z.array(
        z.object({
          recipients: z.array(z.string()),
          route: z.string(),
          disposition,
          reason: z.string(),
          policyLine: z.string(),
          because: z.array(z.string()).meta({ description: "Rules." }),
        }),
      ),
    })
    .nullable(),
  review: z.array(
    z.object({
      at: z.string(),
      by: z.string(),
      what: z.string(),
      why: z.string(),
      recipients: z.array(z.string()),
      released: z.string().nullable(),
    }),
  ),
});
export type Message = z.infer<typeof message>;

export const view = z.object({
  fields: z.array(z.object({ name: z.string(), value: z.string() })).meta({ description: "Every header field." }),
  text: z.string(),
  html: z.string().meta({ description: "HTML bodies reduced to text, with the targets of links. Not HTML." }),
  attachments: z.array(z.object({ name: z.string(), type: z.string(), size: z.int(), related: z.boolean() })),
  cut: z.array(z.string()),
  incomplete: z.object({ why: z.string(), text: z.string() }).nullable(),
});
