/** Signing in and out. */
import type { FastifyReply, FastifyRequest } from "fastify";
import { resetPassword, setUp } from "../accounts/setup.ts";
import { explain, GatewayError } from "../core/errors.ts";
import type { Account } from "../records/accounts.ts";
import { clearCookie, openSession } from "./caller.ts";
import type { Caller, Desk } from "./desk.ts";
import type { Handlers } from "./handler.ts";

export function sessionOf(desk: Desk, caller: Caller) {
  const { account, permissions, session, expires, needsSecondFactor } = caller;
  return {
    account: { ...account, routes: [...account.routes] },
    permissions: [...permissions],
    csrf: session?.csrf ?? null,
    method: session?.method ?? caller.via,
    expires,
    needsSecondFactor,
    contentNeedsReason: desk.settings.contentNeedsReason.includes(account.role),
  };
}

/** Into the audit log, and the cookie goes out. */
export async function signedIn(
  desk: Desk,
  request: FastifyRequest,
  reply: FastifyReply,
  account: Account,
  method: string,
) {
  const note = { who: account.name, via: "console", act: "session.open", target: account.name, route: "" };
  await desk.records.audit.add({ ...note, detail: { method, client: request.ip } });
  return sessionOf(desk, await openSession(desk, request, reply, account, method));
}

/** Failures are told in the log, not in the audit log: whoever has no account must not be able to fill that. */
export async function orRefused<T>(desk: Desk, request: FastifyRequest, name: string, work: () => Promise<T>) {
  try {
    return await work();
  } catch (error) {
    desk.log.warn("sign_in_refused", { name: name.slice(0, 100), client: request.ip, error_cause: explain(error) });
    throw error;
  }
}

export const sessionHandlers: Handlers<
  "session.options" | "session.set-up" | "session.open" | "session.reset" | "session.show" | "session.close"
> = {
  async "session.options"({ desk }) {
    return { needsSetUp: (await desk.records.accounts.count()) === 0, oidc: null };
  },

  "session.set-up": ({ desk, body, request, reply }) =>
    orRefused(desk, request, body.name, async () => {
      const account = await setUp(desk.records.accounts, body.code, body.name, body.password);
      return signedIn(desk, request, reply, account, "password");
    }),

  "session.open": ({ desk, body, request, reply }) =>
    orRefused(desk, request, body.name, async () => {
      const { account, method } = await desk.signIn.byPassword(body.name, body.password, body.code);
      return signedIn(desk, request, reply, account, method);
    }),

  "session.reset": ({ desk, body, request }) =>
    orRefused(desk, request, "", async () => {
      const account = await resetPassword(desk.records.accounts, body.code, body.password);
      const note = { who: account.name, via: "console", act: "session.reset", target: account.name, route: "" };
      await desk.records.audit.add({ ...note, detail: { client: request.ip } });
      return {};
    }),

  "session.show": ({ desk, caller }) => sessionOf(desk, caller),

  async "session.close"({ desk, caller, request, reply }) {
    if (caller.session === null) throw new GatewayError("USAGE", { problem: "a token is ended, not signed out" });
    await desk.records.accounts.closeSessions(caller.account.id, caller.session.id);
    clearCookie(desk, request, reply);
    return {};
  },
};
