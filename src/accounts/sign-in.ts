/** Signing in with name and password: one answer for all that is wrong, and after a few mistakes a wait that doubles. */
import { GatewayError } from "../core/errors.ts";
import type { Millis } from "../core/message.ts";
import type { Clock } from "../observe/clock.ts";
import type { Account, Accounts, Credentials } from "../records/accounts.ts";
import { isPassword } from "./password.ts";
import { totpStep } from "./totp.ts";

const free = 5;
const firstWait: Millis = 5_000;
const longestWait: Millis = 900_000;

/** How long nobody may try, after so many mistakes in a row. */
export const waitAfter = (failures: number): Millis =>
  failures < free ? 0 : Math.min(longestWait, firstWait * 2 ** Math.min(20, failures - free));

export interface SignInOptions {
  readonly accounts: Accounts;
  readonly clock: Clock;
}

function refuseLocked({ account }: Credentials, now: Date): void {
  if (account.lockedUntil === null || account.lockedUntil <= now.toISOString()) return;
  const seconds = Math.ceil((Date.parse(account.lockedUntil) - now.getTime()) / 1000);
  throw new GatewayError("SIGN_IN_LOCKED", { seconds, remedy: "wait; an admin can unlock the account at once" });
}

export function createSignIn({ accounts, clock }: SignInOptions) {
  async function refuse(found: Credentials | null): Promise<never> {
    if (found)
      await accounts.failed(found.account.id, (failures) => {
        const wait = waitAfter(failures);
        return wait === 0 ? null : new Date(clock.now().getTime() + wait).toISOString();
      });
    throw new GatewayError("SIGN_IN_REFUSED");
  }

  /** Throws SIGN_IN_REFUSED, SIGN_IN_LOCKED; CODE_NEEDED only to who knows the password. */
  async function check(found: Credentials | null, password: string, code: string | undefined): Promise<string> {
    if (found) refuseLocked(found, clock.now());
    const isRight = await isPassword(password, found?.password ?? null);
    if (!found || !isRight || found.account.disabled) return refuse(found);
    if (found.totp === null) {
      await accounts.change(found.account.id, { failures: 0, lockedUntil: null });
      return "password";
    }
    if (code === undefined) throw new GatewayError("CODE_NEEDED");
    const step = totpStep(found.totp, code, clock.now(), found.totpStep);
    if (step === null) return refuse(found);
    await accounts.change(found.account.id, { failures: 0, lockedUntil: null, totpStep: step });
    return "password+totp";
  }

  return {
    async byPassword(
      name: string,
      password: string,
      code?: string,
    ): Promise<{ readonly account: Account; readonly method: string }> {
      const found = await accounts.byName(name);
      const method = await check(found, password, code);
      return found ? { account: found.account, method } : refuse(found);
    },

    /** Before what a stolen session must not do. Counts as a sign-in does. */
    async confirm(account: Account, password: string): Promise<void> {
      const found = await accounts.credentials(account.id);
      if (found) refuseLocked(found, clock.now());
      if (!found || !(await isPassword(password, found.password))) await refuse(found);
    },
  };
}

export type SignIn = ReturnType<typeof createSignIn>;
