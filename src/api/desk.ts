/** What the API works with: lists, decisions, and a way to the gateway that holds a message. compose-web.ts makes one. */
import type { SignIn } from "../accounts/sign-in.ts";
import type { Catalog, Listed } from "../catalog/catalog.ts";
import type { Millis } from "../core/message.ts";
import type { Permission, Role } from "../core/roles.ts";
import type { Clock } from "../observe/clock.ts";
import type { Log } from "../observe/log.ts";
import type { Account, Session } from "../records/accounts.ts";
import type { Records } from "../records/records.ts";

export interface RouteInfo {
  readonly name: string;
  readonly organisation: string | null;
  readonly domains: readonly string[];
}

export interface DeskSettings {
  /** "https://console.example.com", or null: whatever the browser asks for. */
  readonly origin: string | null;
  readonly sessionMs: Millis;
  readonly idleMs: Millis;
  readonly secondFactor: "optional" | "required";
  readonly contentNeedsReason: readonly Role[];
  /** Shown in authenticator apps. */
  readonly hostname: string;
}

export interface Desk {
  readonly catalog: Pick<Catalog, "get" | "find" | "counts">;
  readonly records: Pick<Records, "accounts" | "audit">;
  readonly signIn: SignIn;
  readonly routes: readonly RouteInfo[];
  readonly settings: DeskSettings;
  readonly clock: Clock;
  readonly log: Log;
  /** A review command, by the gateway that holds the message; the same id again is not done again. */
  review(listed: Listed, command: string, args: Readonly<Record<string, unknown>>, id?: string): Promise<unknown>;
}

/** Who calls. */
export interface Caller {
  readonly account: Account;
  readonly permissions: ReadonlySet<Permission>;
  /** Names of routes; null is all. */
  readonly routes: ReadonlySet<string> | null;
  /** "console" or "token LABEL". */
  readonly via: string;
  /** Null with a token. */
  readonly session: (Session & { readonly hash: string; readonly csrf: string }) | null;
  readonly expires: string;
  readonly needsSecondFactor: boolean;
}
