/** Errors → what a client of the API is told: application/problem+json (RFC 9457). */
import { type ZodError, z } from "zod";
import { type ErrorCode, type GatewayError, isGatewayError } from "../core/errors.ts";
import type { ProblemDocument } from "./schema-common.ts";

const statuses: Partial<Readonly<Record<ErrorCode, number>>> = {
  USAGE: 400,
  SIGN_IN_NEEDED: 401,
  SIGN_IN_REFUSED: 401,
  CODE_NEEDED: 401,
  NOT_ALLOWED: 403,
  FORGED_REQUEST: 403,
  NOT_FOUND: 404,
  SPOOL_NOT_THERE: 404,
  SENT_BEFORE: 409,
  CONFLICT: 409,
  SIGN_IN_LOCKED: 429,
  TOO_MANY_REQUESTS: 429,
};

const statusOf = ({ code, temporary }: GatewayError): number => statuses[code] ?? (temporary ? 503 : 500);

/** Details are for whoever is signed in; paths of files and causes stay in the log. */
const told = new Set(["problem", "remedy", "seconds", "id", "message", "to", "by", "at", "reason", "done", "node"]);

function problemOf(error: GatewayError): ProblemDocument {
  const detail = Object.entries(error.detail)
    .filter(([key]) => told.has(key))
    .map(([key, value]) => `${key}: ${String(value)}`)
    .join("; ");
  return {
    type: `urn:sallyport:error:${error.code}`,
    title: error.message,
    status: statusOf(error),
    code: error.code,
    ...(detail === "" ? {} : { detail }),
  };
}

const usage = (title: string, status: number): ProblemDocument => ({
  type: "urn:sallyport:error:USAGE",
  title,
  status,
  code: "USAGE",
});

const wrongInput = (error: ZodError): ProblemDocument => ({
  ...usage("The request is wrong", 400),
  errors: error.issues.slice(0, 20).map(({ path, message }) => ({ path: path.map(String).join("."), message })),
});

/** Null: a bug, of which the client learns nothing. */
export function asProblem(error: unknown): ProblemDocument | null {
  if (isGatewayError(error)) return problemOf(error);
  if (error instanceof z.ZodError) return wrongInput(error);
  // What Fastify itself refuses: bodies that are no JSON, too large, of another type.
  if (error instanceof Error && "statusCode" in error && typeof error.statusCode === "number") {
    const { statusCode } = error;
    if (statusCode === 429)
      return {
        ...usage("Too many requests", 429),
        type: "urn:sallyport:error:TOO_MANY_REQUESTS",
        code: "TOO_MANY_REQUESTS",
      };
    if (statusCode >= 400 && statusCode < 500) return usage("The request is wrong", statusCode);
  }
  return null;
}

export const internal: ProblemDocument = {
  type: "about:blank",
  title: "Something is wrong on our side; the log says what",
  status: 500,
  code: "INTERNAL",
};
