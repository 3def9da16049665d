/** What people do with their own account: password, authenticator app, sessions, tokens. */
import { randomUUID } from "node:crypto";
import { hashPassword } from "../accounts/password.ts";
import { hashOfSecret, newSecret } from "../accounts/secret.ts";
import { newTotpSecret, totpStep, totpUri } from "../accounts/totp.ts";
import { GatewayError } from "../core/errors.ts";
import { tokenPrefix } from "./caller.ts";
import type { Caller } from "./desk.ts";
import type { Handlers } from "./handler.ts";

const ticketMs = 900_000;
const day = 86_400_000;

/** A token must not be able to make itself master of the account. */
function onlyConsole({ session }: Caller): NonNullable<Caller["session"]> {
  if (session) return session;
  throw new GatewayError("NOT_ALLOWED", { problem: "a token cannot change how one signs in" });
}

export const ownHandlers: Handlers<
  | "own.password"
  | "own.totp.start"
  | "own.totp.confirm"
  | "own.totp.remove"
  | "own.sessions"
  | "own.sessions.close"
  | "own.tokens"
  | "own.tokens.add"
  | "own.tokens.remove"
> = {
  async "own.password"({ desk, caller, body }) {
    const { hash } = onlyConsole(caller);
    const { accounts } = desk.records;
    await desk.signIn.confirm(caller.account, body.current);
    await accounts.change(caller.account.id, { password: await hashPassword(body.password) });
    await accounts.closeSessions(caller.account.id, null, hash);
    return {};
  },

  async "own.totp.start"({ desk, caller, body }) {
    onlyConsole(caller);
    await desk.signIn.confirm(caller.account, body.password);
    const secret = newTotpSecret();
    const ticket = newSecret();
    const expires = new Date(desk.clock.now().getTime() + ticketMs).toISOString();
    const once = { kind: "totp", account: caller.account.id, data: secret };
    await desk.records.accounts.putOnce(ticket.hash, once, expires);
    const uri = totpUri(secret, caller.account.name, `Sallyport ${desk.settings.hostname}`);
    return { secret, uri, ticket: ticket.secret };
  },

  async "own.totp.confirm"({ desk, caller, body }) {
    const { hash } = onlyConsole(caller);
    const { accounts } = desk.records;
    const once = await accounts.takeOnce(hashOfSecret(body.ticket), "totp");
    if (!once || once.account !== caller.account.id || typeof once.data !== "string")
      throw new GatewayError("SIGN_IN_REFUSED");
    const totpAt = totpStep(once.data, body.code, desk.clock.now(), 0);
    if (totpAt === null) throw new GatewayError("SIGN_IN_REFUSED");
    await accounts.change(caller.account.id, { totp: once.data, totpStep: totpAt });
    // Sessions that were opened without it end; this one is opened anew by the console.
    await accounts.closeSessions(caller.account.id, null, desk.settings.secondFactor === "required" ? "" : hash);
    return {};
  },

  async "own.totp.remove"({ desk, caller, body }) {
    onlyConsole(caller);
    await desk.signIn.confirm(caller.account, body.password);
    await desk.records.accounts.change(caller.account.id, { totp: null });
    return {};
  },

  async "own.sessions"({ desk, caller }) {
    const all = await desk.records.accounts.sessions(caller.account.id);
    return { items: all.map((one) => ({ ...one, isThis: one.id === caller.session?.id })) };
  },

  async "own.sessions.close"({ desk, caller, params }) {
    const { accounts } = desk.records;
    const { hash } = onlyConsole(caller);
    if (params.id === "others") return { closed: await accounts.closeSessions(caller.account.id, null, hash) };
    return { closed: await accounts.closeSessions(caller.account.id, params.id) };
  },

  async "own.tokens"({ desk, caller }) {
    const all = await desk.records.accounts.tokens(caller.account.id);
    return { items: all.map((one) => ({ ...one, permissions: [...one.permissions] })) };
  },

  async "own.tokens.add"({ desk, caller, body }) {
    onlyConsole(caller);
    if (caller.needsSecondFactor) throw new GatewayError("NOT_ALLOWED", { problem: "set up a second factor first" });
    const missing = body.permissions.filter((one) => !caller.permissions.has(one));
    if (missing.length > 0) throw new GatewayError("NOT_ALLOWED", { problem: `you have no ${missing.join(", ")}` });
    const { secret, hash } = newSecret(tokenPrefix);
    const now = desk.clock.now();
    const token = {
      ...{ id: randomUUID(), account: caller.account.id, label: body.label, permissions: body.permissions },
      ...{ at: now.toISOString(), expires: new Date(now.getTime() + body.days * day).toISOString(), used: null },
    };
    await desk.records.accounts.addToken(hash, token);
    return { ...token, secret };
  },

  async "own.tokens.remove"({ desk, caller, params }) {
    if (!(await desk.records.accounts.removeToken(params.id, caller.account.id))) throw new GatewayError("NOT_FOUND");
    return {};
  },
};
