/** Pieces that the schemas of the API share. Only zod is imported here and in the other schema files, so that the console can use them. */
import { z } from "zod";

export const queueId = z
  .string()
  .regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/, "is no queue id")
  .meta({ description: "Queue id of a message: 26 digits and letters." });
export const time = z.iso.datetime().meta({ description: "RFC 3339, UTC." });
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "is no SHA-256: 64 hexadecimal digits");
export const severity = z.enum(["info", "low", "medium", "high", "critical"]);
export const permission = z.enum(["look", "content", "act", "lists", "rules", "audit", "admin"]);
export const role = z.enum(["admin", "reviewer", "author", "auditor"]);
export const nothing = z.object({});
export const reason = z.string().trim().min(1, "must say why").max(2_000);
export const piece = z.string().min(1).max(300);
/** From a query string: one or many. */
export const many = <T extends z.ZodType>(item: T) =>
  z.preprocess((given) => (given === undefined || Array.isArray(given) ? given : [given]), z.array(item).max(50));

export const paging = {
  limit: z.coerce.number().int().min(1).max(500).default(50),
  cursor: z.string().max(100).optional().meta({ description: "`next` of the page before." }),
};

export const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({
    items: z.array(item),
    next: z.string().nullable().meta({ description: "Cursor of the next page; null if this is the last." }),
  });

/** RFC 9457. */
export const problem = z.object({
  type: z.string().meta({ description: "`urn:sallyport:error:` and the code." }),
  title: z.string(),
  status: z.int(),
  code: z.string().meta({ description: "One of docs/errors.md." }),
  detail: z.string().optional(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});
export type ProblemDocument = z.infer<typeof problem>;
