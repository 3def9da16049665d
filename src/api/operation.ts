/** What an operation of the API is: its address, who may call it, what goes in and what comes out. */
import type { z } from "zod";
import type { Permission } from "../core/roles.ts";

/**
 * `anyone`: also who is not signed in · `session`: whoever is signed in, about the own account ·
 * a permission, and where it holds: `route` filters by the caller's routes, `message` asks whether the message in the path
 * is of one of them (to others it is not there), `all` is for callers who may see all routes.
 */
export type Access =
  | { readonly who: "anyone" }
  | { readonly who: "session" }
  | { readonly who: Permission; readonly where: "route" | "message" | "all" };

export interface Operation {
  readonly method: "GET" | "POST" | "PATCH" | "PUT" | "DELETE";
  /** Below /api/v1; `:name` is a parameter. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly access: Access;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  readonly answer: z.ZodType;
  /** Default 200. */
  readonly status?: 200 | 201;
  /** Not JSON: the handler writes the answer itself. */
  readonly raw?: string;
  /** Attempts to sign in: few a minute. */
  readonly isSignIn?: true;
  /** Shows what a sender wrote: audited, and where the role says so only with a reason. */
  readonly isContent?: true;
  /** Of body and query, what the audit log keeps. */
  readonly audits?: readonly string[];
  /** Done once for one `idempotency-key`. */
  readonly isAction?: true;
}

type In<T> = T extends z.ZodType ? z.output<T> : Record<never, never>;

/** What a handler is given. */
export interface Input<Op extends Operation> {
  readonly params: In<Op["params"]>;
  readonly query: In<Op["query"]>;
  readonly body: In<Op["body"]>;
}
export type Output<Op extends Operation> = z.input<Op["answer"]>;
