/** Who looked at what and did what: lines that are only ever added, each with the hash of the one before. Contract. */

export interface AuditNote {
  /** Name of the account, or of the user of a shell. */
  readonly who: string;
  /** "console", "token LABEL", "cli", "oidc", "link". */
  readonly via: string;
  /** "message.release", "account.add" …: the id of the operation. */
  readonly act: string;
  /** A queue id, an account's name …; "" if there is none. */
  readonly target: string;
  /** "" if it is about no route. */
  readonly route: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface AuditLine extends AuditNote {
  /** From 1, without a gap. */
  readonly n: number;
  readonly at: string;
  readonly hash: string;
}

export interface AuditQuery {
  readonly who?: string;
  readonly act?: string;
  readonly target?: string;
  readonly routes?: readonly string[];
  /** The last number of the page before. */
  readonly before?: number;
  readonly limit: number;
}

export type AuditState =
  | { readonly ok: true; readonly lines: number; readonly head: string }
  | { readonly ok: false; readonly lines: number; readonly at: number; readonly problem: string };

export interface Audit {
  add(note: AuditNote): Promise<AuditLine>;
  /** Newest first. */
  list(query: AuditQuery): Promise<readonly AuditLine[]>;
  /** Walks the whole chain. */
  verify(): Promise<AuditState>;
}
