/** `sallyport users list | add | reset | unlock | remove | setup`: accounts of the console, from a shell; works when nobody can sign in. */
import { type Command, Option } from "commander";
import { makeResetCode, makeSetupCode } from "../accounts/setup.ts";
import type { Config } from "../config-schema.ts";
import { routeName } from "../config-schema.ts";
import { GatewayError } from "../core/errors.ts";
import { type Role, roles } from "../core/roles.ts";
import { systemClock } from "../observe/clock.ts";
import type { Account } from "../records/accounts.ts";
import type { Records } from "../records/records.ts";
import { actor } from "./custody.ts";
import { safe, table } from "./output.ts";
import type { Context, ExitCode } from "./program.ts";
import { withRecords } from "./with-records.ts";

const noted = (records: Records, act: string, target: string, detail: Readonly<Record<string, unknown>> = {}) =>
  records.audit.add({ who: actor(undefined), via: "cli", act, target, route: "", detail });

async function known({ accounts }: Records, name: string): Promise<Account> {
  const found = await accounts.byName(name);
  if (found) return found.account;
  throw new GatewayError("USAGE", { problem: `no account is called ${name}`, remedy: "sallyport users list" });
}

const codeText = (code: string): string => `${code}\nIt works once, within a day: POST /api/v1/reset, or the console.`;

async function list(context: Context): Promise<void> {
  const all = await withRecords(context.config().config, ({ accounts }) => accounts.list());
  const row = (one: Account) => [
    safe(one.name),
    one.role,
    one.routes.length === 0 ? "all" : safe(one.routes.join(", ")),
    [one.hasPassword ? "password" : "", one.hasTotp ? "app" : "", one.subject ? "oidc" : ""].filter(Boolean).join("+"),
    one.disabled ? "disabled" : (one.lockedUntil ?? ""),
    one.at,
  ];
  context.out.result(all, () => table(["NAME", "ROLE", "ROUTES", "SIGNS IN BY", "STATE", "MADE"], all.map(row)));
}

/** A name that nothing has would give no rights now, and those of whatever is called so later. */
function checkRoutes({ routes }: Config, names: readonly string[]): void {
  const there = new Set(routes.flatMap((route) => [routeName(route), route.organisation]));
  const unknown = names.filter((name) => !there.has(name));
  if (unknown.length > 0)
    throw new GatewayError("USAGE", { problem: `no route and no organisation is called ${unknown.join(", ")}` });
}

interface AddOptions {
  readonly role: Role;
  readonly routes?: readonly string[];
}

async function add(context: Context, name: string, { role, routes = [] }: AddOptions): Promise<void> {
  const { config } = context.config();
  checkRoutes(config, routes);
  const made = await withRecords(config, async (records) => {
    await noted(records, "accounts.add", name, { role, routes });
    const account = await records.accounts.add({
      ...{ name, role, routes, password: null, subject: null, by: actor(undefined) },
    });
    return { ...account, resetCode: await makeResetCode(records.accounts, systemClock, account.id) };
  });
  context.out.result(made, () => `${safe(made.name)} may set a password with the code ${codeText(made.resetCode)}`);
}

async function reset(context: Context, name: string): Promise<void> {
  const code = await withRecords(context.config().config, async (records) => {
    const account = await known(records, name);
    await noted(records, "accounts.reset", account.name);
    return makeResetCode(records.accounts, systemClock, account.id);
  });
  context.out.result({ resetCode: code }, () => codeText(code));
}

async function unlock(context: Context, name: string): Promise<void> {
  const account = await withRecords(context.config().config, async (records) => {
    const { id, name: plain } = await known(records, name);
    await noted(records, "accounts.change", plain, { unlock: true });
    return records.accounts.change(id, { failures: 0, lockedUntil: null });
  });
  context.out.result(account, () => `${safe(name)} may sign in again.`);
}

async function remove(context: Context, name: string): Promise<void> {
  await withRecords(context.config().config, async (records) => {
    const account = await known(records, name);
    await noted(records, "accounts.remove", account.name);
    await records.accounts.remove(account.id);
  });
  context.out.result({ removed: name }, () => `${safe(name)} is removed, with its sessions and tokens.`);
}

async function setup(context: Context): Promise<ExitCode> {
  const code = await withRecords(context.config().config, ({ accounts }) => makeSetupCode(accounts, systemClock));
  context.out.result({ code }, () =>
    code === null
      ? "There is an account already: sallyport users list, sallyport users reset NAME."
      : `${code}\nMake the first admin with it in the console, within a day.`,
  );
  return code === null ? 1 : 0;
}

export function register(program: Command, context: Context): void {
  const users = program.command("users").description("accounts of the console");
  users
    .command("list")
    .description("list accounts")
    .action(context.action(() => list(context)));
  users
    .command("add")
    .argument("<name>")
    .description("make an account, and a code with which its owner sets a password")
    .addOption(new Option("--role <role>", "what it may do").choices(roles).makeOptionMandatory())
    .option("--routes <names...>", "only messages of these routes or organisations; without it, all")
    .action(context.action((name: string, options: AddOptions) => add(context, name, options)));
  const named = (name: string, description: string, work: (context: Context, name: string) => Promise<void>) =>
    users
      .command(name)
      .argument("<name>")
      .description(description)
      .action(context.action((of: string) => work(context, of)));
  named("reset", "make a code with which the password is set anew", reset);
  named("unlock", "end the wait after too many mistakes", unlock);
  named("remove", "remove the account, its sessions and its tokens", remove);
  users
    .command("setup")
    .description("make a new code for the first admin; exit 1 if there is an account")
    .action(context.action(() => setup(context)));
}
