/** Accounts, sessions, tokens and the audit log as the API shows them. */
import { z } from "zod";
import { paging, pageOf, permission, piece, role, time } from "./schema-common.ts";

export const accountName = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .regex(/^[^\p{Cc}\p{Cf}\s]+$/u, "must have no spaces and no control characters");
export const password = z.string().min(12, "must have 12 characters at least").max(200);
const wrongOrRight = z.string().max(200);
const code = z.string().max(40);
const routes = z
  .array(z.string().min(1).max(253))
  .max(500)
  .meta({ description: "Names of routes and organisations; empty means all." });

export const account = z.object({
  id: z.string(),
  name: z.string(),
  role,
  routes,
  hasPassword: z.boolean(),
  hasTotp: z.boolean(),
  subject: z.string().nullable().meta({ description: "Issuer and subject at the identity provider." }),
  disabled: z.boolean(),
  lockedUntil: z.string().nullable(),
  at: time,
  by: z.string(),
});
export const newAccount = z.object({ name: accountName, role, routes: routes.default([]) });
export const accountChange = z.object({
  role: role.optional(),
  routes: routes.optional(),
  disabled: z.boolean().optional(),
  unlock: z.literal(true).optional(),
  removeTotp: z.literal(true).optional(),
});
export const madeAccount = account.extend({
  resetCode: z.string().meta({ description: "Shown once: with it a password is set, within a day." }),
});

export const signIn = z.object({ name: wrongOrRight, password: wrongOrRight, code: code.optional() });
export const setUp = z.object({ code, name: accountName, password });
export const reset = z.object({ code, password });
export const signInOptions = z.object({
  needsSetUp: z.boolean().meta({ description: "There is no account yet." }),
  oidc: z.string().nullable().meta({ description: "Name of the identity provider." }),
});

export const session = z.object({
  account,
  permissions: z.array(permission),
  /** To be sent as `x-csrf-token` with everything but GET. */
  csrf: z.string().nullable().meta({ description: "For the header `x-csrf-token`; null with a token." }),
  method: z.string(),
  expires: time,
  needsSecondFactor: z.boolean().meta({ description: "Until one is set up, only the own account may be changed." }),
  /** Content only with a reason, which is written down. */
  contentNeedsReason: z.boolean().meta({ description: "Content is shown only with `x-reason`, which is audited." }),
});

export const sessionLine = z.object({
  id: z.string(),
  at: time,
  seen: time,
  expires: time,
  client: z.string(),
  agent: z.string(),
  method: z.string(),
  isThis: z.boolean(),
});

export const token = z.object({
  id: z.string(),
  account: z.string(),
  label: z.string(),
  permissions: z.array(permission),
  at: time,
  expires: time,
  used: z.string().nullable(),
});
export const newToken = z.object({
  label: z.string().trim().min(1).max(100),
  permissions: z.array(permission).min(1),
  days: z.int().min(1).max(366),
});
export const madeToken = token.extend({ secret: z.string().meta({ description: "Shown once." }) });

export const auditLine = z.object({
  n: z.int(),
  at: time,
  who: z.string(),
  via: z.string(),
  act: z.string(),
  target: z.string(),
  route: z.string(),
  detail: z.record(z.string(), z.unknown()),
  hash: z.string(),
});
export const auditQuery = z.object({
  ...paging,
  who: piece.optional(),
  act: piece.optional(),
  target: piece.optional(),
});
export const auditPage = pageOf(auditLine);
export const auditState = z.object({
  ok: z.boolean(),
  lines: z.int(),
  head: z.string().optional(),
  at: z.int().optional(),
  problem: z.string().optional(),
});
