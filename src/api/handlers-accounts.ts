/** What admins do with accounts and tokens, and the audit log. */
import { makeResetCode } from "../accounts/setup.ts";
import { GatewayError } from "../core/errors.ts";
import type { Account, AccountChange } from "../records/accounts.ts";
import type { AuditLine } from "../records/audit.ts";
import type { Desk } from "./desk.ts";
import type { Handlers } from "./handler.ts";
import { toPage } from "./queries.ts";

const shown = (account: Account) => ({ ...account, routes: [...account.routes] });

async function known(desk: Desk, id: string): Promise<Account> {
  const account = await desk.records.accounts.get(id);
  if (!account) throw new GatewayError("NOT_FOUND", { id });
  return account;
}

/** Names that nothing has would silently give no rights, or those of whatever is called so later. */
function checkRoutes({ routes }: Desk, names: readonly string[] | undefined): void {
  const there = new Set(routes.flatMap(({ name, organisation }) => [name, organisation]));
  const unknown = names?.filter((name) => !there.has(name)) ?? [];
  if (unknown.length > 0)
    throw new GatewayError("USAGE", { problem: `no route and no organisation is called ${unknown.join(", ")}` });
}

export const accountHandlers: Handlers<
  | "accounts.list"
  | "accounts.add"
  | "accounts.change"
  | "accounts.reset"
  | "accounts.sign-out"
  | "accounts.remove"
  | "tokens.list"
  | "tokens.remove"
  | "audit.list"
  | "audit.verify"
> = {
  async "accounts.list"({ desk }) {
    return { items: (await desk.records.accounts.list()).map(shown) };
  },

  async "accounts.add"({ desk, caller, body }) {
    checkRoutes(desk, body.routes);
    const { accounts } = desk.records;
    const account = await accounts.add({ ...body, password: null, subject: null, by: caller.account.name });
    return { ...shown(account), resetCode: await makeResetCode(accounts, desk.clock, account.id) };
  },

  async "accounts.change"({ desk, params, body }) {
    checkRoutes(desk, body.routes);
    const { role, routes, disabled } = body;
    const change: AccountChange = {
      ...(role === undefined ? {} : { role }),
      ...(routes === undefined ? {} : { routes }),
      ...(disabled === undefined ? {} : { disabled }),
      ...(body.unlock ? { failures: 0, lockedUntil: null } : {}),
      ...(body.removeTotp ? { totp: null } : {}),
    };
    await known(desk, params.id);
    const account = Object.keys(change).length > 0 ? await desk.records.accounts.change(params.id, change) : null;
    if (disabled) await desk.records.accounts.closeSessions(params.id, null);
    return shown(account ?? (await known(desk, params.id)));
  },

  async "accounts.reset"({ desk, params }) {
    const account = await known(desk, params.id);
    return { resetCode: await makeResetCode(desk.records.accounts, desk.clock, account.id) };
  },

  async "accounts.sign-out"({ desk, params }) {
    await known(desk, params.id);
    return { closed: await desk.records.accounts.closeSessions(params.id, null) };
  },

  async "accounts.remove"({ desk, params }) {
    if (!(await desk.records.accounts.remove(params.id))) throw new GatewayError("NOT_FOUND", { id: params.id });
    return {};
  },

  async "tokens.list"({ desk }) {
    const all = await desk.records.accounts.tokens(null);
    return { items: all.map((one) => ({ ...one, permissions: [...one.permissions] })) };
  },

  async "tokens.remove"({ desk, params }) {
    if (!(await desk.records.accounts.removeToken(params.id, null))) throw new GatewayError("NOT_FOUND");
    return {};
  },

  async "audit.list"({ desk, caller, query }) {
    const { limit, cursor, who, act, target } = query;
    const before = cursor === undefined ? undefined : Number(cursor);
    if (before !== undefined && !Number.isSafeInteger(before))
      throw new GatewayError("USAGE", { problem: "cursor is not one of ours" });
    const found = await desk.records.audit.list({
      limit: limit + 1,
      ...(before === undefined ? {} : { before }),
      ...(who === undefined ? {} : { who }),
      ...(act === undefined ? {} : { act }),
      ...(target === undefined ? {} : { target }),
      ...(caller.routes === null ? {} : { routes: [...caller.routes] }),
    });
    const show = (line: AuditLine) => ({ ...line, detail: { ...line.detail } });
    return toPage(found, limit, show, ({ n }) => String(n));
  },

  "audit.verify": ({ desk }) => desk.records.audit.verify(),
};
