/** A kill -9 of the real gateway at every arrow of the crash table; started again on the same spool, it loses, leaks and forgets nothing. */
import assert from "node:assert/strict";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { moves } from "../../src/core/state.ts";
import { type CrashSite, makeSite } from "../support/crash-site.ts";
import { eventually } from "../support/eventually.ts";
import { root } from "../support/gateway.ts";
import { mail } from "../support/mail.ts";
import { type Row, rows } from "./arrows.ts";

/** Rows of the table that need no fuse, and where they are proven. */
const elsewhere: Readonly<Record<string, string>> = {
  "a child dies on a part": "test/e2e/workers.test.ts",
  "any, plus power loss": "test/contract/power-loss.test.ts",
  "disk full": "test/crash/kill.test.ts",
};

function octetsOf(id: string, { isBad, isLarge }: Row): Buffer {
  const fields = [`X-Test-Id: ${id}.`];
  const text = isLarge ? `${"0123456789".repeat(7)}\r\n`.repeat(10_000) : "Hello";
  return mail(isBad ? { fields, text, name: "photo.jpg.exe", bytes: Buffer.from("MZ") } : { fields, text });
}

function behave({ hop }: CrashSite, how: Row["hop"] | "usual"): void {
  const isBusy = (line: string): boolean =>
    how === "busy" || (how === "busy throughout" && line.includes("@expiring.test"));
  hop.say({
    MAIL: how === "slow" ? { say: "250 2.1.0 ok", afterMs: 2_000 } : "250 2.1.0 ok",
    RCPT: (line) =>
      line.includes("<gone@") ? "550 5.1.1 nobody" : isBusy(line) ? "451 4.2.1 not now" : "250 2.1.5 ok",
    END: how === "slow at the end" ? { say: "250 2.0.0 taken", afterMs: 600 } : "250 2.0.0 taken",
  });
}

/** What a person or a broken disk does to the folder of a message while nobody runs. */
function damage(site: CrashSite, id: string, how: Row["damage"]): void {
  for (const state of ["incoming", "deferred", "quarantine"] as const)
    for (const lying of site.with(id, state))
      if (how === "spoilt") writeFileSync(join(lying.folder, "envelope.json"), "{");
      else if (how === "doubled")
        cpSync(lying.folder, join(site.dir, "data/spool/active", lying.id), { recursive: true });
}

/** What a person does; the answer is the error, if there is one. */
async function act(site: CrashSite, what: string, ids: readonly string[]): Promise<string> {
  const asked = ids.map((id) => site.ask(what, { id, by: "operator", why: "test" }).then(() => "", String));
  return (await Promise.all(asked)).join("");
}

const more = ({ expires }: Row): object => (expires ? { quarantine: { keep: "1ms" } } : {});

/** Up to the death; says what the client has heard. */
async function upToDeath(site: CrashSite, row: Row, id: string, octets: Buffer): Promise<string | null> {
  behave(site, row.hop ?? "usual");
  if (!site.isUp) await site.start();
  const send = (): Promise<string | null> => site.send(octets, row.to);
  if (row.first) {
    if (row.first !== "held") await site.arm(row.first, true);
    const reply = await send();
    await (row.first === "held" ? site.kill() : site.died());
    damage(site, id, row.damage);
    await site.start(row.fuse, more(row));
    await site.died();
    return reply;
  }
  if (!row.act) {
    await site.arm(row.fuse, row.heard);
    const reply = await send();
    await site.died();
    return reply;
  }
  const reply = await send();
  const ids = site.with(id, "quarantine").map((lying) => lying.id);
  assert.equal(ids.length, 1, "it is not held");
  await site.arm(row.fuse);
  await act(site, row.act, ids);
  await site.died();
  return reply;
}

async function settle(site: CrashSite, row: Row, id: string, octets: Buffer, heard: string | null): Promise<void> {
  behave(site, row.hop === "busy throughout" ? row.hop : "usual");
  assert.ok(await site.start(undefined, more(row)), "it does not start again");
  for (let reply = heard; !reply?.startsWith("2"); reply = await site.send(octets, row.to))
    assert.ok(!reply?.startsWith("5"), `refused: ${reply}`);
  await site.rest();
  if (!row.act) return;
  await act(
    site,
    row.act,
    site.with(id, "quarantine").map((lying) => lying.id),
  );
  await site.rest();
}

const known = new WeakMap<CrashSite, Set<string>>();

async function check(site: CrashSite, { end, to }: Row, id: string): Promise<void> {
  const { sent = 0, held = 0, corrupt = 0, bounced = 0, unaccounted = 0 } = end;
  const mine = () => site.hop.messages.filter((one) => one.octets.includes(`X-Test-Id: ${id}.`));
  const dsns = () => mine().filter((one) => one.reversePath === "").length;
  const copies = (path: string): number =>
    mine().filter((one) => one.reversePath !== "" && one.forwardPaths.includes(path)).length;
  await eventually("DSNs", () => dsns() >= bounced);
  assert.equal(dsns(), bounced, "DSNs");
  for (const path of to) {
    const wanted = /^(?:gone|kept)@/.test(path) ? 0 : sent;
    await eventually(`${wanted} copies at ${path}`, () => copies(path) >= wanted, 10_000);
    assert.equal(copies(path), wanted, `copies at ${path}`);
  }
  await eventually(`${held} held`, () => site.with(id, "quarantine").length === held, 10_000);
  assert.equal(site.with(id, "corrupt").length, corrupt, "set aside");
  await eventually("nothing in arriving", () => readdirSync(join(site.dir, "data/spool/arriving")).length === 0);
  const before = known.get(site) ?? new Set();
  const missing = (await site.account()).unaccounted.filter((each) => !before.has(each));
  assert.equal(missing.length, unaccounted, `unaccounted: ${missing.join(" ")}`);
  known.set(site, new Set([...before, ...missing]));
}

async function tidy(site: CrashSite): Promise<void> {
  await act(
    site,
    "discard",
    site.lying("quarantine").map((lying) => lying.id),
  );
  assert.deepEqual(site.lying("quarantine"), []);
}

test("every arrow between states, and every row of the crash table, has its death", () => {
  const proven = new Set([...rows.map((row) => row.arrow), ...Object.keys(elsewhere)]);
  const arrows = Object.entries(moves).flatMap(([from, states]) => states.map((to) => `${from} → ${to}`));
  assert.deepEqual(
    arrows.filter((arrow) => !proven.has(arrow)),
    [],
  );
  const page = readFileSync(join(root, "docs/architecture.md"), "utf8");
  const table = page.slice(page.indexOf("| Crash between"), page.indexOf("`test/crash/` kills"));
  const named = [...table.matchAll(/^\| (.*?) \|/gm)].slice(1).map(([, name = ""]) => name);
  assert.ok(named.length >= 14, "the crash table was not found");
  const names = named.map((name) => (name === "`incoming` → `active`" ? "incoming → active" : name));
  assert.deepEqual(
    names.filter((name) => !proven.has(name)),
    [],
  );
});

test("a message arrives twice only where no protocol can avoid it", () => {
  for (const { arrow, end, duplicate } of rows)
    assert.equal((end.sent ?? 0) > 1 || (end.held ?? 0) > 1, duplicate !== undefined, arrow);
});

describe("killed at each arrow", { concurrency: 2 }, () => {
  const idle: CrashSite[] = [];
  after(async () => {
    for (const site of idle) await site.close();
  });
  for (const [index, row] of rows.entries())
    test(`${row.arrow}, ${row.at}`, { timeout: 120_000 }, async () => {
      const site = idle.pop() ?? (await makeSite());
      const id = `row${index}`;
      const octets = octetsOf(id, row);
      try {
        const heard = await upToDeath(site, row, id, octets);
        await settle(site, row, id, octets, heard);
        await check(site, row, id);
        await tidy(site);
        idle.push(site);
      } catch (error) {
        // The next one starts afresh.
        await site.close();
        throw error;
      }
    });
});
