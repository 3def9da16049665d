/** Who may what: every operation of the API, by every role, on messages of the own and of another route. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Operation } from "../../../src/api/operation.ts";
import { operations } from "../../../src/api/operations.ts";
import { roles } from "../../../src/core/roles.ts";
import { startApi } from "../../support/api-rig.ts";

type Who = (typeof roles)[number] | "nobody" | "limited admin" | "limited reviewer";
const everyone: readonly Who[] = [...roles, "limited admin", "limited reviewer"];

const own = "01HZZZZZZZZZZZZZZZZZZZZZZZ";
const foreign = "01HZZZZZZZZZZZZZZZZZZZZZZY";

const looks: readonly Who[] = everyone;
const content: readonly Who[] = ["admin", "reviewer", "author", "limited admin", "limited reviewer"];
const audits: readonly Who[] = ["admin", "auditor", "limited admin"];
const admins: readonly Who[] = ["admin"];
const signedIn: readonly Who[] = everyone;
const anyone: readonly Who[] = ["nobody", ...everyone];

/** Written by hand, not made from the table that it checks. A new operation needs a line. */
const allowed: Readonly<Record<keyof typeof operations, readonly Who[]>> = {
  "session.options": anyone,
  "session.set-up": anyone,
  "session.open": anyone,
  "session.reset": anyone,
  "session.show": signedIn,
  "session.close": signedIn,
  "own.password": signedIn,
  "own.totp.start": signedIn,
  "own.totp.confirm": signedIn,
  "own.totp.remove": signedIn,
  "own.sessions": signedIn,
  "own.sessions.close": signedIn,
  "own.tokens": signedIn,
  "own.tokens.add": signedIn,
  "own.tokens.remove": signedIn,
  "accounts.list": admins,
  "accounts.add": admins,
  "accounts.change": admins,
  "accounts.reset": admins,
  "accounts.sign-out": admins,
  "accounts.remove": admins,
  "tokens.list": admins,
  "tokens.remove": admins,
  "audit.list": audits,
  "audit.verify": ["admin", "auditor"],
  "messages.list": looks,
  "messages.show": looks,
  "messages.view": content,
  "api.description": signedIn,
  "api.nothing": signedIn,
};

/** Refusals of rights; any other answer, an error of the input too, means that the caller was let in. */
const refused = new Set(["SIGN_IN_NEEDED", "NOT_ALLOWED"]);
const all = Object.entries<Operation>(operations);
const address = ({ path }: Operation, id: string): string => `/api/v1${path.replace(":id", id)}`;

test("the table names every operation, and no other", () => {
  assert.deepEqual(Object.keys(allowed).sort(), Object.keys(operations).sort());
});

for (const who of ["nobody", ...everyone] as const)
  test(`${who} may do what the table says of each operation, and nothing else`, async (t) => {
    const rig = await startApi(t);
    await rig.list(own, "own.example");
    const [limited, role] = who.startsWith("limited ") ? [true, who.slice(8)] : [false, who];
    const isRole = roles.find((one) => one === role);
    const wrong: string[] = [];
    let signed = null;
    for (const [i, [id, operation]] of all.entries()) {
      if (isRole) signed ??= await rig.signIn(`${role}-${i}`, isRole, limited ? ["acme"] : []);
      const answer = await rig.app.inject({
        method: operation.method,
        url: address(operation, operation.access.who === "session" ? "x" : own),
        remoteAddress: `198.51.100.${i}`,
        ...(signed ? { headers: rig.headers(signed) } : {}),
        ...(operation.body ? { payload: {} } : {}),
      });
      const code = answer.statusCode < 400 ? "" : answer.json<{ code: string }>().code;
      if (answer.statusCode >= 500) wrong.push(`${id}: ${answer.statusCode} ${answer.body}`);
      if (refused.has(code) === allowed[id as keyof typeof operations].includes(who))
        wrong.push(`${id}: ${answer.statusCode} ${code}`);
      if (id === "session.close") signed = null;
    }
    assert.deepEqual(wrong, []);
  });

test("a message of another route is not there, whatever is asked of it", async (t) => {
  const rig = await startApi(t);
  await rig.list(own, "own.example");
  await rig.list(foreign, "other.example");
  const signed = await rig.signIn("limited", "admin", ["acme"]);
  const headers = rig.headers(signed);
  const ofMessage = all.filter(([, { access }]) => "where" in access && access.where === "message");
  assert.ok(ofMessage.length > 0);
  for (const [id, operation] of ofMessage) {
    const ask = (of: string) =>
      rig.app.inject({
        method: operation.method,
        url: address(operation, of),
        headers,
        ...(operation.body ? { payload: {} } : {}),
      });
    const [theirs, nobodys] = [await ask(foreign), await ask("01HZZZZZZZZZZZZZZZZZZZZZZX")];
    assert.equal(theirs.statusCode, 404, id);
    assert.equal(theirs.body.replace(foreign, ""), nobodys.body.replace(/01HZ+X/, ""), id);
  }
});

test("lists hold messages of the own routes only, also when others are asked for", async (t) => {
  const rig = await startApi(t);
  await rig.list(own, "own.example");
  await rig.list(foreign, "other.example");
  const ids = async (signed: { cookie: string; csrf: string }, query = ""): Promise<readonly string[]> => {
    const answer = await rig.app.inject({ url: `/api/v1/messages${query}`, headers: rig.headers(signed) });
    return answer.json<{ items: { id: string }[] }>().items.map(({ id }) => id);
  };
  const limited = await rig.signIn("limited", "reviewer", ["acme"]);
  assert.deepEqual(await ids(limited), [own]);
  assert.deepEqual(await ids(limited, "?route=other.example"), []);
  assert.deepEqual(await ids(limited, "?route=other.example&route=own.example"), [own]);
  const admin = await rig.signIn("admin", "admin");
  assert.deepEqual((await ids(admin)).toSorted(), [foreign, own]);
  assert.deepEqual(await ids(admin, "?route=other.example"), [foreign]);
});

test("an account for a route that no configuration names any more sees nothing", async (t) => {
  const rig = await startApi(t);
  await rig.list(own, "own.example");
  const signed = await rig.signIn("late", "reviewer", ["gone.example"]);
  const answer = await rig.app.inject({ url: "/api/v1/messages", headers: rig.headers(signed) });
  assert.deepEqual(answer.json(), { items: [], next: null });
});
