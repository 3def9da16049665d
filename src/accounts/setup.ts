/** The first admin: while there is no account, a code that works once is made at start and told on the log. */
import { GatewayError } from "../core/errors.ts";
import type { Millis } from "../core/message.ts";
import type { Clock } from "../observe/clock.ts";
import type { Account, Accounts } from "../records/accounts.ts";
import { hashPassword } from "./password.ts";
import { hashOfCode, newCode } from "./secret.ts";

export const setupMs: Millis = 24 * 3_600_000;
export const resetMs: Millis = 24 * 3_600_000;

/** Null if there is an account already. An earlier code ends. */
export async function makeSetupCode(accounts: Accounts, clock: Clock): Promise<string | null> {
  if ((await accounts.count()) > 0) return null;
  const { secret, hash } = newCode();
  await accounts.forgetOnce("setup");
  const expires = new Date(clock.now().getTime() + setupMs).toISOString();
  await accounts.putOnce(hash, { kind: "setup", account: null, data: null }, expires);
  return secret;
}

/** Throws SIGN_IN_REFUSED, CONFLICT. */
export async function setUp(accounts: Accounts, code: string, name: string, password: string): Promise<Account> {
  if (!(await accounts.takeOnce(hashOfCode(code), "setup"))) throw new GatewayError("SIGN_IN_REFUSED");
  const made = { name, role: "admin" as const, routes: [], subject: null, by: "setup" };
  return accounts.add({ ...made, password: await hashPassword(password) }, true);
}

/** With it, whoever has it sets a new password. */
export async function makeResetCode(accounts: Accounts, clock: Clock, account: string): Promise<string> {
  const { secret, hash } = newCode();
  const expires = new Date(clock.now().getTime() + resetMs).toISOString();
  await accounts.putOnce(hash, { kind: "reset", account, data: null }, expires);
  return secret;
}

/** Ends all sessions of the account. Throws SIGN_IN_REFUSED. */
export async function resetPassword(accounts: Accounts, code: string, password: string): Promise<Account> {
  const once = await accounts.takeOnce(hashOfCode(code), "reset");
  const change = { password: await hashPassword(password), failures: 0, lockedUntil: null };
  const account = once?.account ? await accounts.change(once.account, change) : null;
  if (!account) throw new GatewayError("SIGN_IN_REFUSED");
  await accounts.closeSessions(account.id, null);
  return account;
}
