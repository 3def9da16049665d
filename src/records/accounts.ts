/** Who may sign in, and with what: accounts, sessions, tokens, passkeys, and secrets that work once. Contract; secrets are stored as hashes. */
import type { Permission, Role } from "../core/roles.ts";

export interface Account {
  readonly id: string;
  /** Lower case, NFC; unique. */
  readonly name: string;
  readonly role: Role;
  /** Names of routes and organisations; empty means all. */
  readonly routes: readonly string[];
  readonly hasPassword: boolean;
  readonly hasTotp: boolean;
  /** "issuer subject" of OpenID Connect, or null. */
  readonly subject: string | null;
  readonly disabled: boolean;
  readonly lockedUntil: string | null;
  readonly at: string;
  readonly by: string;
}

/** What only the check of a sign-in needs. */
export interface Credentials {
  readonly account: Account;
  readonly password: string | null;
  readonly totp: string | null;
  /** The last time step whose code was used: none is taken twice. */
  readonly totpStep: number;
  readonly failures: number;
}

export interface NewAccount {
  readonly name: string;
  readonly role: Role;
  readonly routes: readonly string[];
  readonly password: string | null;
  readonly subject: string | null;
  readonly by: string;
}

export interface AccountChange {
  readonly role?: Role;
  readonly routes?: readonly string[];
  readonly disabled?: boolean;
  readonly password?: string;
  readonly totp?: string | null;
  readonly totpStep?: number;
  readonly failures?: number;
  readonly lockedUntil?: string | null;
}

export interface Session {
  /** For lists; not the secret. */
  readonly id: string;
  readonly account: string;
  readonly at: string;
  readonly seen: string;
  readonly expires: string;
  readonly client: string;
  readonly agent: string;
  /** "password", "password+totp", "passkey", "oidc". */
  readonly method: string;
}

export interface Token {
  readonly id: string;
  readonly account: string;
  readonly label: string;
  readonly permissions: readonly Permission[];
  readonly at: string;
  readonly expires: string;
  readonly used: string | null;
}

export interface Passkey {
  /** Credential id, base64url. */
  readonly id: string;
  readonly account: string;
  readonly publicKey: string;
  readonly counter: number;
  readonly transports: readonly string[];
  readonly label: string;
  readonly at: string;
  readonly used: string | null;
}

export interface Once {
  readonly kind: string;
  readonly account: string | null;
  readonly data: unknown;
}

export interface Accounts {
  count(): Promise<number>;
  /** By name. */
  list(): Promise<readonly Account[]>;
  get(id: string): Promise<Account | null>;
  byName(name: string): Promise<Credentials | null>;
  bySubject(subject: string): Promise<Account | null>;
  credentials(id: string): Promise<Credentials | null>;
  /** Throws CONFLICT if the name is taken. `onlyFirst`: also if there is any account at all. */
  add(made: NewAccount, onlyFirst?: boolean): Promise<Account>;
  /** Throws CONFLICT if no enabled admin for all routes would be left. Null if there is no such account. */
  change(id: string, change: AccountChange): Promise<Account | null>;
  /** With its sessions, tokens and passkeys. Throws CONFLICT as above. */
  remove(id: string): Promise<boolean>;
  /** One more failure; returns how many there are now. */
  failed(id: string, lock: (failures: number) => string | null): Promise<number>;

  openSession(hash: string, session: Session): Promise<void>;
  /** Null if unknown or expired, or if its account is disabled. */
  session(hash: string): Promise<{ readonly session: Session; readonly account: Account } | null>;
  touch(hash: string, seen: string, expires: string): Promise<void>;
  sessions(account: string): Promise<readonly Session[]>;
  /** `id` null: all of the account but `exceptHash`. Says how many. */
  closeSessions(account: string, id: string | null, exceptHash?: string): Promise<number>;

  addToken(hash: string, token: Token): Promise<void>;
  /** Null if unknown or expired, or if its account is disabled. Notes the use. */
  token(hash: string): Promise<{ readonly token: Token; readonly account: Account } | null>;
  tokens(account: string | null): Promise<readonly Token[]>;
  removeToken(id: string, account: string | null): Promise<boolean>;

  addPasskey(passkey: Passkey): Promise<void>;
  passkey(id: string): Promise<Passkey | null>;
  passkeys(account: string): Promise<readonly Passkey[]>;
  usePasskey(id: string, counter: number): Promise<void>;
  removePasskey(id: string, account: string): Promise<boolean>;

  putOnce(hash: string, once: Once, expires: string): Promise<void>;
  /** Gone with the first that asks; null if there is none, or it has expired. */
  takeOnce(hash: string, kind: string): Promise<Once | null>;
  /** All of that kind. */
  forgetOnce(kind: string): Promise<void>;

  /** Null: nobody has used this key; it is now reserved. Otherwise what was answered, or null status while that is under way. */
  reserve(key: string, fingerprint: string): Promise<Answered | null>;
  answered(key: string, status: number, body: string): Promise<void>;
  unreserve(key: string): Promise<void>;
}

export interface Answered {
  readonly fingerprint: string;
  readonly status: number | null;
  readonly body: string;
}
