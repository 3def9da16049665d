/** A row of the accounts → what others may know of it. */
import type { Selectable } from "kysely";
import type { Role } from "../core/roles.ts";
import type { Account } from "./accounts.ts";
import type { AccountTables } from "./account-tables.ts";

export const toAccount = (row: Selectable<AccountTables["accounts"]>): Account => ({
  id: row.id,
  name: row.name,
  role: row.role as Role,
  routes: JSON.parse(row.routes) as readonly string[],
  hasPassword: row.password !== null,
  hasTotp: row.totp !== null,
  subject: row.subject,
  disabled: row.disabled !== 0,
  lockedUntil: row.locked_until,
  at: row.at,
  by: row.by,
});
