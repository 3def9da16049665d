/** The catalog is a cache: what cannot be read is made anew. */
import assert from "node:assert/strict";
import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import fc from "fast-check";
import { openCatalog } from "../../../src/catalog/sqlite.ts";
import { phrasesOf, wordsOf } from "../../../src/catalog/words.ts";
import { silent } from "../../../src/observe/log.ts";
import { summaryOf } from "../../contract/catalog.ts";
import { temporaryFolder } from "../../support/spool.ts";

test("begins anew where the file is no database or of another version, and says so", async (t) => {
  const file = join(await temporaryFolder(t), "catalog.sqlite");
  const open = async () => {
    const catalog = await openCatalog({ file, log: silent });
    t.after(() => catalog.close());
    return catalog;
  };
  await writeFile(file, "not a database, and longer than a header of a hundred octets".repeat(20));
  const first = await open();
  assert.equal(await first.isFilled(), false);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const summary = summaryOf();
  await first.record(summary);
  await first.setFilled();
  await first.close();
  const second = await open();
  assert.equal(await second.isFilled(), true);
  assert.deepEqual(await second.get(summary.queueId), { ...summary, node: "" });
  await second.close();
  const other = new DatabaseSync(file);
  other.exec("PRAGMA user_version = 99");
  other.close();
  const third = await open();
  assert.equal(await third.isFilled(), false);
  assert.equal(await third.get(summary.queueId), null);
});

test("counts as not filled again from the moment it is cleared", async (t) => {
  const file = join(await temporaryFolder(t), "catalog.sqlite");
  const cleared = await openCatalog({ file, log: silent });
  await cleared.setFilled();
  await cleared.clear();
  await cleared.record(summaryOf());
  await cleared.close();
  const again = await openCatalog({ file, log: silent });
  t.after(() => again.close());
  assert.equal(await again.isFilled(), false);
});

test("says so when the disk refuses a change, and goes on", async (t) => {
  const file = join(await temporaryFolder(t), "catalog.sqlite");
  const catalog = await openCatalog({ file, log: silent });
  t.after(() => catalog.close());
  const wrong = { ...summaryOf(), route: undefined as unknown as string };
  await assert.rejects(catalog.record(wrong));
  const right = summaryOf();
  await catalog.record(right);
  assert.deepEqual(await catalog.get(right.queueId), { ...right, node: "" });
});

test("any piece of a run of Japanese is found by the pairs of its letters", () => {
  const run = fc.stringMatching(/^[\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fa5]{1,12}$/);
  fc.assert(
    fc.property(run, fc.nat(), fc.nat(), (subject, from, length) => {
      const piece = [...subject]
        .slice(from % subject.length)
        .slice(0, 1 + (length % 5))
        .join("");
      const words = ` ${wordsOf(summaryOf({ subject })).split(/\s+/u).join(" ")} `;
      const [phrase] = phrasesOf(piece) ?? [];
      return words.includes(phrase?.goesOn ? ` ${phrase.words}` : ` ${phrase?.words} `);
    }),
    { numRuns: 500 },
  );
});
