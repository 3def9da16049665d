/** What a fault of the disk means to whoever uses the spool. */
import { GatewayError, isGatewayError } from "../core/errors.ts";
import { errnoOf } from "./durable.ts";

const full = new Set(["ENOSPC", "EDQUOT"]);

/** Names of files only, no whole paths: the detail goes into logs. */
export function asSpoolError(error: unknown, detail: Readonly<Record<string, unknown>>): GatewayError {
  if (isGatewayError(error)) return error;
  const errno = errnoOf(error);
  // What is no fault of the disk is a bug, and bugs are not dressed up.
  if (errno === undefined || errno.startsWith("ERR_")) throw error;
  return new GatewayError(full.has(errno) ? "SPOOL_FULL" : "SPOOL_UNWRITABLE", { ...detail, errno }, error);
}

export const notThere = (detail: Readonly<Record<string, unknown>>): GatewayError =>
  new GatewayError("SPOOL_NOT_THERE", detail);
