/** A million messages in each database: how long lists, filters and searches take. CATALOG_MESSAGES for another number. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Catalog } from "../../src/catalog/catalog.ts";
import { PostgresCatalog } from "../../src/catalog/postgres.ts";
import { openCatalog } from "../../src/catalog/sqlite.ts";
import { silent } from "../../src/observe/log.ts";
import { messageAt, questionsAbout } from "../support/many-messages.ts";
import { temporaryPostgres } from "../support/postgres.ts";
import { temporaryFolder } from "../support/spool.ts";

const messages = Number(process.env["CATALOG_MESSAGES"] ?? 1_000_000);
const target = 100;
/** A piece of a text may stand in the middle of any word. */
const targetOfPieces = 300;
const atOnce = 2_000;

async function fill(catalog: Catalog, t: TestContext): Promise<void> {
  const began = performance.now();
  for (let at = 0; at < messages; at += atOnce) {
    const until = Math.min(messages, at + atOnce);
    await Promise.all(Array.from({ length: until - at }, (_, i) => catalog.record(messageAt(at + i))));
    if ((until / atOnce) % 50 !== 0 && until < messages) continue;
    const seconds = (performance.now() - began) / 1_000;
    say(t, `${until} messages, ${Math.round(until / seconds)} a second`);
  }
}

const rounds = 40;

async function measure(catalog: Catalog, t: TestContext): Promise<readonly string[]> {
  const slow: string[] = [];
  for (const [name, question] of Object.entries(questionsAbout(messages))) {
    const times: number[] = [];
    let found = 0;
    for (let i = 0; i < rounds; i++) {
      const began = performance.now();
      found += (await catalog.find(question(i), { limit: 50 })).length;
      times.push(performance.now() - began);
    }
    const sorted = times.toSorted((a, b) => a - b);
    const [p50, p95] = [0.5, 0.95].map((share) => sorted[Math.floor(share * (rounds - 1))] ?? 0) as [number, number];
    say(t, `${name}: p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms, ${(found / rounds).toFixed(1)} found`);
    if (p95 > (name.startsWith("piece") ? targetOfPieces : target)) slow.push(`${name}: ${p95.toFixed(1)} ms`);
  }
  return slow;
}

/** Says at once how far it is: with a million messages a report at the end is late. */
const say = (t: TestContext, text: string): void => {
  t.diagnostic(text);
  process.stderr.write(`${text}\n`);
};

const catalogs: Readonly<Record<string, (t: TestContext) => Promise<Catalog>>> = {
  SQLite: async (t) => openCatalog({ file: join(await temporaryFolder(t), "catalog.sqlite"), log: silent }),
  PostgreSQL: async (t) =>
    new PostgresCatalog({ address: { url: (await temporaryPostgres(t)).database() }, node: "one" }),
};

for (const [name, open] of Object.entries(catalogs))
  test(`${name}: ${messages} messages are listed, filtered and searched within ${target} ms`, async (t) => {
    const catalog = await open(t);
    try {
      await fill(catalog, t);
      assert.deepEqual(await measure(catalog, t), []);
    } finally {
      await catalog.close();
    }
  });
