/** Requests from other commands to the running gateway: one JSON line each way over a local socket. */
export interface Request {
  readonly command: string;
  readonly args: Readonly<Record<string, unknown>>;
}

export type Response = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: Failure };

/** An error of the catalogue, as far as it can travel. */
export interface Failure {
  readonly code: string;
  readonly detail: Readonly<Record<string, string>>;
}

/** Longest request or response line. */
export const maxLine = 16 * 2 ** 20;
