/** The catalogue of operational errors. Expected results are values (Outcome, Reply); bugs are left to crash. */

const catalogue = {
  CONFIG_UNREADABLE: { temporary: false, text: "The configuration cannot be read" },
  CONFIG_INVALID: { temporary: false, text: "The configuration is wrong" },
  POLICY_INVALID: { temporary: false, text: "The policy is wrong" },
  DATA_UNWRITABLE: { temporary: false, text: "The folder of the gateway's data cannot be used" },
  LISTEN_FAILED: { temporary: true, text: "The gateway cannot listen where it should" },
  RELEASE_REFUSED: { temporary: false, text: "The release cannot be used on this node" },
  RULES_UNREADABLE: { temporary: false, text: "A folder of rules cannot be read" },
  SPOOL_FULL: { temporary: true, text: "Free space is below the watermark" },
  SPOOL_UNWRITABLE: { temporary: true, text: "The spool cannot be written" },
  SPOOL_NOT_THERE: { temporary: false, text: "The message has been moved by another owner" },
  SPOOL_LOCKED: { temporary: false, text: "Another process serves this spool" },
  SPOOL_FORMAT: { temporary: false, text: "The spool has a format that this version does not know" },
  SPOOL_CORRUPT: { temporary: false, text: "A file of the message cannot be read" },
  RECORDS_UNREADABLE: { temporary: false, text: "What people decided cannot be read" },
  DATABASE_UNAVAILABLE: { temporary: true, text: "The database of catalog and records cannot be reached" },
  DATABASE_SLOW: { temporary: true, text: "The database has not answered in time" },
  QUEUE_UNAVAILABLE: { temporary: true, text: "No worker takes jobs" },
  SCANNER_UNAVAILABLE: { temporary: true, text: "The scanner is not ready" },
  JOB_ABORTED: { temporary: true, text: "The job was given up by all who waited for it" },
  BLOBS_UNAVAILABLE: { temporary: true, text: "The blob store cannot be used" },
  BLOB_NOT_THERE: { temporary: false, text: "The blob store does not have this" },
  SEAL_BROKEN: { temporary: false, text: "What was sealed has been changed, or was sealed with another key" },
  NEXT_HOP_UNREACHABLE: { temporary: true, text: "The next hop cannot be reached" },
  NEXT_HOP_PROTOCOL: { temporary: true, text: "The next hop does not speak SMTP as expected" },
  NEXT_HOP_TLS: { temporary: true, text: "The next hop offers no TLS that the route accepts" },
  JOURNAL_DAMAGED: { temporary: false, text: "The hash chain of the journal is broken" },
  CONTROL_FAILED: { temporary: false, text: "The gateway could not do what it was asked to" },
  CONTROL_UNAVAILABLE: { temporary: true, text: "The gateway does not answer on its control socket" },
  COMMANDS_UNAVAILABLE: {
    temporary: true,
    text: "The Redis that carries commands to other gateways cannot be reached",
  },
  OWNER_SILENT: { temporary: true, text: "The gateway that holds the message does not answer" },
  NODE_ALIVE: { temporary: false, text: "The node is alive: what it holds is not to be taken from it" },
  ADOPTION_RUNS: { temporary: true, text: "Another gateway is adopting this node" },
  SENT_BEFORE: { temporary: false, text: "The message has been sent on before" },
  NOT_FOUND: { temporary: false, text: "There is no such message" },
  SIGN_IN_NEEDED: { temporary: false, text: "You are not signed in" },
  SIGN_IN_REFUSED: { temporary: false, text: "Name, password or code is wrong" },
  SIGN_IN_LOCKED: { temporary: true, text: "Too many wrong attempts" },
  CODE_NEEDED: { temporary: false, text: "A code of the second factor is needed" },
  NOT_ALLOWED: { temporary: false, text: "Your role does not allow this" },
  FORGED_REQUEST: { temporary: false, text: "The request does not come from the console" },
  TOO_MANY_REQUESTS: { temporary: true, text: "Too many requests" },
  CONFLICT: { temporary: false, text: "This cannot be done as things are now" },
  USAGE: { temporary: false, text: "The command line is wrong" },
} as const;

export type ErrorCode = keyof typeof catalogue;
export const errorCodes = Object.keys(catalogue) as readonly ErrorCode[];
export const errorText = (code: ErrorCode): string => catalogue[code].text;

/** `detail` is for the log; it never reaches an SMTP client. */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly code: ErrorCode;
  readonly detail: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, detail: Readonly<Record<string, unknown>> = {}, cause?: unknown) {
    super(catalogue[code].text, { cause });
    this.code = code;
    this.detail = detail;
  }

  get temporary(): boolean {
    return catalogue[this.code].temporary;
  }
}

export const isGatewayError = (error: unknown, code?: ErrorCode): error is GatewayError =>
  error instanceof GatewayError && (code === undefined || error.code === code);

/** A sentence for people: the text, the detail, the cause. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const detail =
    error instanceof GatewayError ? Object.entries(error.detail).map(([k, v]) => `${k}: ${String(v)}`) : [];
  const cause = error.cause instanceof Error ? [error.cause.message] : [];
  return [error.message, ...detail, ...cause].join("; ");
}
