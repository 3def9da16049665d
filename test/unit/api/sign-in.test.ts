/** Sessions, forged requests, brute force, tokens: what an attacker of the console would try. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { makeSetupCode } from "../../../src/accounts/setup.ts";
import { stepAt, totpCode } from "../../../src/accounts/totp.ts";
import { type ApiRig, password, startApi } from "../../support/api-rig.ts";

const codeOf = (answer: { json<T>(): T }): string => answer.json<{ code: string }>().code;
const post = (rig: ApiRig, url: string, payload: object, headers: Record<string, string> = {}) =>
  rig.app.inject({ method: "POST", url: `/api/v1${url}`, payload, headers });

test("the first admin is made once, with the code of the first start", async (t) => {
  const rig = await startApi(t);
  const { accounts } = rig.desk.records;
  const old = await makeSetupCode(accounts, rig.clock);
  const code = await makeSetupCode(accounts, rig.clock);
  assert.ok(old && code);
  const made = { name: "Root", password: "a long password" };
  assert.equal(codeOf(await post(rig, "/set-up", { ...made, code: old })), "SIGN_IN_REFUSED");
  assert.equal((await post(rig, "/set-up", { ...made, code, password: "short" })).statusCode, 400);
  const answer = await post(rig, "/set-up", { ...made, code: code.toLowerCase().replaceAll("-", " ") });
  assert.equal(answer.statusCode, 201);
  assert.equal(answer.json<{ account: { role: string } }>().account.role, "admin");
  assert.equal(codeOf(await post(rig, "/set-up", { ...made, name: "second", code })), "SIGN_IN_REFUSED");
  assert.equal(await makeSetupCode(accounts, rig.clock), null);
});

test("a set-up code is over after a day", async (t) => {
  const rig = await startApi(t);
  const code = await makeSetupCode(rig.desk.records.accounts, rig.clock);
  rig.clock.tick(86_400_001);
  const answer = await post(rig, "/set-up", { code, name: "root", password: "a long password" });
  assert.equal(codeOf(answer), "SIGN_IN_REFUSED");
});

test("a request that another site has made is refused", async (t) => {
  const rig = await startApi(t);
  const signed = await rig.signIn("root", "admin");
  const headers = rig.headers(signed);
  const add = (more: Record<string, string>) => post(rig, "/accounts", { name: "x", role: "auditor" }, more);
  assert.equal(codeOf(await add({ cookie: signed.cookie })), "FORGED_REQUEST");
  assert.equal(codeOf(await add({ ...headers, "x-csrf-token": "wrong" })), "FORGED_REQUEST");
  assert.equal(codeOf(await add({ ...headers, origin: "https://evil.example" })), "FORGED_REQUEST");
  assert.equal(codeOf(await add({ ...headers, origin: "null" })), "FORGED_REQUEST");
  assert.equal(codeOf(await add({ ...headers, "sec-fetch-site": "cross-site" })), "FORGED_REQUEST");
  const form = await rig.app.inject({
    method: "POST",
    url: "/api/v1/session",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    payload: "name=root&password=x",
  });
  assert.equal(form.statusCode, 415);
  assert.equal((await add({ ...headers, origin: "http://localhost:80", host: "localhost:80" })).statusCode, 201);
});

test("behind a proxy only the address that people type may act", async (t) => {
  const rig = await startApi(t, { settings: { origin: "https://console.example" } });
  const answer = await post(rig, "/session", { name: "x", password: "y" }, { origin: "http://localhost:80" });
  assert.equal(codeOf(answer), "FORGED_REQUEST");
});

test("over TLS the cookie is for this host alone, and never readable by scripts", async (t) => {
  const rig = await startApi(t, { settings: { origin: "https://console.example" } });
  const { accounts } = rig.desk.records;
  const code = await makeSetupCode(accounts, rig.clock);
  const answer = await post(rig, "/set-up", { code, name: "root", password: "a long password" });
  assert.match(
    String(answer.headers["set-cookie"]),
    /^__Host-sallyport=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
  );
});

test("a session known before the sign-in is worth nothing after it", async (t) => {
  const rig = await startApi(t);
  const fixed = `sallyport=${"A".repeat(43)}`;
  await rig.signIn("root", "admin");
  const answer = await post(rig, "/session", { name: "root", password }, { cookie: fixed });
  assert.equal(answer.statusCode, 201);
  assert.ok(!String(answer.headers["set-cookie"]).includes("AAAA"));
  const after = await rig.app.inject({ url: "/api/v1/session", headers: { cookie: fixed } });
  assert.equal(codeOf(after), "SIGN_IN_NEEDED");
});

test("guessing gets slower, and the right password waits as well", async (t) => {
  const rig = await startApi(t);
  await rig.signIn("root", "admin");
  const attempt = (secret: string, from: number) =>
    rig.app.inject({
      method: "POST",
      url: "/api/v1/session",
      remoteAddress: `203.0.113.${from}`,
      payload: { name: "ROOT", password: secret },
    });
  for (let i = 1; i <= 5; i++) assert.equal(codeOf(await attempt("wrong", i)), "SIGN_IN_REFUSED");
  const locked = await attempt(password, 6);
  assert.equal(codeOf(locked), "SIGN_IN_LOCKED");
  assert.equal(locked.headers["retry-after"], "5");
  rig.clock.tick(5_001);
  assert.equal(codeOf(await attempt("wrong", 7)), "SIGN_IN_REFUSED");
  assert.equal((await attempt(password, 8)).headers["retry-after"], "10");
  rig.clock.tick(10_001);
  assert.equal((await attempt(password, 9)).statusCode, 201);
});

test("one address has ten attempts a minute", async (t) => {
  const rig = await startApi(t);
  const answers: number[] = [];
  for (let i = 0; i < 12; i++)
    answers.push((await post(rig, "/session", { name: `nobody-${i}`, password: "x" })).statusCode);
  assert.deepEqual(answers, [...Array.from({ length: 10 }, () => 401), 429, 429]);
});

test("an authenticator's code is needed, once each, after the password", async (t) => {
  const rig = await startApi(t);
  const signed = await rig.signIn("root", "admin");
  const headers = rig.headers(signed);
  const started = await post(rig, "/account/totp", { password }, headers);
  const { secret, ticket, uri } = started.json<{ secret: string; ticket: string; uri: string }>();
  assert.match(uri, /^otpauth:\/\/totp\/Sallyport%20gateway\.test:root\?secret=[A-Z2-7]{32}&issuer=/);
  const code = () => totpCode(secret, stepAt(rig.clock.now()));
  const confirmed = await rig.app.inject({
    method: "PUT",
    url: "/api/v1/account/totp",
    headers,
    payload: { ticket, code: code() },
  });
  assert.equal(confirmed.statusCode, 200, confirmed.body);
  assert.equal(codeOf(await post(rig, "/session", { name: "root", password })), "CODE_NEEDED");
  assert.equal(codeOf(await post(rig, "/session", { name: "root", password: "wrong" })), "SIGN_IN_REFUSED");
  const used = await post(rig, "/session", { name: "root", password, code: code() });
  assert.equal(codeOf(used), "SIGN_IN_REFUSED", "the code that confirmed it was used");
  rig.clock.tick(60_000);
  assert.equal((await post(rig, "/session", { name: "root", password, code: code() })).statusCode, 201);
});

test("where a second factor is required, a password alone can only set one up", async (t) => {
  const rig = await startApi(t, { settings: { secondFactor: "required" } });
  const headers = rig.headers(await rig.signIn("root", "admin"));
  const code = async (url: string) => codeOf(await rig.app.inject({ url: `/api/v1${url}`, headers }));
  assert.equal(await code("/messages"), "NOT_ALLOWED");
  assert.equal(await code("/accounts"), "NOT_ALLOWED");
  assert.equal((await rig.app.inject({ url: "/api/v1/session", headers })).statusCode, 200);
  const token = { label: "x", permissions: ["look"], days: 1 };
  assert.equal(codeOf(await post(rig, "/account/tokens", token, headers)), "NOT_ALLOWED");
});

test("a session ends when it is not used, when it is old, and when it is ended", async (t) => {
  const rig = await startApi(t);
  const signed = await rig.signIn("root", "admin");
  const headers = rig.headers(signed);
  const status = async () => (await rig.app.inject({ url: "/api/v1/session", headers })).statusCode;
  for (let i = 0; i < 12; i++) {
    rig.clock.tick(3_500_000);
    assert.equal(await status(), 200);
  }
  rig.clock.tick(3_500_000);
  assert.equal(await status(), 401, "twelve hours are over");
  const again = await post(rig, "/session", { name: "root", password });
  const [cookie = ""] = String(again.headers["set-cookie"]).split(";");
  rig.clock.tick(3_600_001);
  assert.equal((await rig.app.inject({ url: "/api/v1/session", headers: { cookie } })).statusCode, 401);
});

test("a disabled account is out at once, with its tokens", async (t) => {
  const rig = await startApi(t);
  const root = rig.headers(await rig.signIn("root", "admin"));
  const eve = rig.headers(await rig.signIn("eve", "reviewer"));
  const made = await post(rig, "/account/tokens", { label: "t", permissions: ["look"], days: 1 }, eve);
  const { secret } = made.json<{ secret: string }>();
  const bearer = { authorization: `Bearer ${secret}` };
  const status = async (headers: Record<string, string>) =>
    (await rig.app.inject({ url: "/api/v1/messages", headers })).statusCode;
  assert.deepEqual([await status(eve), await status(bearer)], [200, 200]);
  const accounts = await rig.desk.records.accounts.list();
  const id = accounts.find(({ name }) => name === "eve")?.id ?? "";
  const change = {
    method: "PATCH",
    url: `/api/v1/accounts/${id}`,
    headers: root,
    payload: { disabled: true },
  } as const;
  assert.equal((await rig.app.inject(change)).statusCode, 200);
  assert.deepEqual([await status(eve), await status(bearer)], [401, 401]);
});

test("a token may do no more than it says, no more than its account, and not for ever", async (t) => {
  const rig = await startApi(t);
  const headers = rig.headers(await rig.signIn("eve", "reviewer"));
  const token = (permissions: string[]) => post(rig, "/account/tokens", { label: "t", permissions, days: 2 }, headers);
  assert.equal(codeOf(await token(["admin"])), "NOT_ALLOWED");
  const { secret } = (await token(["look"])).json<{ secret: string }>();
  const bearer = { authorization: `Bearer ${secret}` };
  await rig.list("01HZZZZZZZZZZZZZZZZZZZZZZZ", "own.example");
  const get = (url: string) => rig.app.inject({ url: `/api/v1${url}`, headers: bearer });
  assert.equal((await get("/messages")).statusCode, 200);
  assert.equal(codeOf(await get("/messages/01HZZZZZZZZZZZZZZZZZZZZZZZ/view")), "NOT_ALLOWED");
  const self = await post(rig, "/account/tokens", { label: "more", permissions: ["look"], days: 366 }, bearer);
  assert.equal(codeOf(self), "NOT_ALLOWED");
  rig.clock.tick(2 * 86_400_000);
  assert.equal((await get("/messages")).statusCode, 401);
});

test("the last admin cannot lock everybody out", async (t) => {
  const rig = await startApi(t);
  const headers = rig.headers(await rig.signIn("root", "admin"));
  const { account } = (await rig.app.inject({ url: "/api/v1/session", headers })).json<{ account: { id: string } }>();
  const url = `/api/v1/accounts/${account.id}`;
  for (const payload of [{ role: "reviewer" }, { disabled: true }, { routes: ["acme"] }])
    assert.equal(codeOf(await rig.app.inject({ method: "PATCH", url, headers, payload })), "CONFLICT");
  assert.equal(codeOf(await rig.app.inject({ method: "DELETE", url, headers })), "CONFLICT");
});

test("names, paths and header fields cannot climb, break lines or hide", async (t) => {
  const rig = await startApi(t);
  const headers = rig.headers(await rig.signIn("root", "admin"));
  for (const url of [
    "/api/v1/messages/..%2f..%2fetc%2fpasswd",
    "/api/v1/messages/%00",
    "/assets/..%2f..%2fpackage.json",
    "/..%2f..%2fpackage.json",
    "/api/v1/messages/01HZZZZZZZZZZZZZZZZZZZZZZ%0d%0a",
  ]) {
    const answer = await rig.app.inject({ url, headers });
    assert.ok([400, 404].includes(answer.statusCode), `${url}: ${answer.statusCode}`);
    assert.ok(!answer.body.includes('sallyport"'), url);
  }
  for (const name of ["a b", "a\r\nset-cookie: x=1", "a\u202eb", ""])
    assert.equal((await post(rig, "/accounts", { name, role: "auditor" }, headers)).statusCode, 400);
  assert.equal((await rig.app.inject({ url: "/api/v1/messages?nonsense=1", headers })).statusCode, 400);
  const big = await post(rig, "/accounts", { name: "x".repeat(300_000), role: "auditor" }, headers);
  assert.equal(big.statusCode, 413);
  const poison = await rig.app.inject({
    method: "POST",
    url: "/api/v1/accounts",
    headers: { ...headers, "content-type": "application/json" },
    payload: '{"__proto__":{"role":"admin"},"name":"x","role":"auditor"}',
  });
  assert.equal(poison.statusCode, 400);
});

test("every answer forbids scripts, frames and sniffing, and is kept by nobody", async (t) => {
  const rig = await startApi(t);
  for (const url of ["/", "/api/docs", "/api/v1/messages", "/api/v1/nothing", "/ready"]) {
    const { headers, body } = await rig.app.inject({ url });
    const policy = String(headers["content-security-policy"]);
    assert.match(policy, /default-src 'none'; script-src 'self';/);
    assert.match(policy, /frame-ancestors 'none'; require-trusted-types-for 'script'/);
    assert.ok(!policy.includes("unsafe"));
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.equal(headers["referrer-policy"], "no-referrer");
    assert.equal(headers["cache-control"], "no-store");
    const [, nonce] = /nonce=?"?([\w+/=]+)/.exec(body) ?? [];
    if (body.startsWith("<!doctype")) assert.ok(nonce && policy.includes(`'nonce-${nonce}'`), url);
  }
});

test("the audit log names who did what, and refused attempts of those who are signed in", async (t) => {
  const rig = await startApi(t);
  const headers = rig.headers(await rig.signIn("root", "admin"));
  await post(rig, "/accounts", { name: "eve", role: "auditor" }, headers);
  await post(rig, "/accounts", { name: "eve", role: "auditor" }, headers);
  const lines = await rig.desk.records.audit.list({ limit: 10 });
  assert.deepEqual(
    lines.map(({ who, act }) => `${who} ${act}`),
    ["root accounts.add.failed", "root accounts.add", "root accounts.add", "root session.open"],
  );
  assert.deepEqual(lines[2]?.detail, { name: "eve", role: "auditor", routes: [], client: "127.0.0.1" });
  assert.deepEqual(await rig.desk.records.audit.verify(), { ok: true, lines: 4, head: lines[0]?.hash });
});
