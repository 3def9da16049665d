/** What every Catalog must do. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Catalog, Listed, Query, Summary } from "../../src/catalog/catalog.ts";
import type { QueueId } from "../../src/core/message.ts";
import { createIds } from "../../src/spool/ids.ts";
import { clockAt } from "../support/spool.ts";

/** The node that a factory opens a catalog for. */
export const ownNode = "one";

export interface CatalogFactory {
  readonly name: string;
  readonly open: (t: TestContext) => Promise<{ readonly catalog: Catalog; readonly reopen: () => Promise<Catalog> }>;
}

const listed = (of: Summary): Listed => ({ ...of, node: ownNode });

const clock = clockAt("2026-11-22T10:00:00.000Z");
const newId = createIds(clock);

export function summaryOf(of: Partial<Summary> = {}): Summary {
  clock.tick(1_000);
  return {
    queueId: newId(),
    state: "quarantine",
    arrivedAt: clock.now().toISOString(),
    route: "site.example",
    client: "192.0.2.7",
    reversePath: "sender@client.example",
    forwardPaths: ["first@site.example", "second@site.example"],
    subject: "Invoice for November",
    size: 12_345,
    sha256: "a".repeat(64),
    disposition: "quarantine",
    summary: "found",
    severity: "high",
    rules: ["office.macro-autoexec"],
    names: ["invoice_2026-11.docm"],
    hashes: ["b".repeat(64)],
    reason: "macro",
    ...of,
  };
}

export function catalogContract({ name, open }: CatalogFactory): void {
  const it = (sentence: string, body: (t: TestContext) => Promise<void>): void => {
    test(`${name}: ${sentence}`, body);
  };
  const idsOf = async (catalog: Catalog, where: Query, before?: QueueId, limit = 100): Promise<readonly QueueId[]> =>
    (await catalog.find(where, { limit, ...(before ? { before } : {}) })).map(({ queueId }) => queueId);

  it("gives back what was recorded, also after a restart", async (t) => {
    const { catalog, reopen } = await open(t);
    const full = summaryOf({ subject: "\0 '\"\n%_\\ \u{1f4ce} お知らせ", size: 2 ** 40 });
    const bare = summaryOf({
      reversePath: "",
      disposition: null,
      summary: null,
      severity: null,
      rules: [],
      names: [],
      hashes: [],
    });
    await Promise.all([catalog.record(full), catalog.record(bare)]);
    await catalog.close();
    const again = await reopen();
    assert.deepEqual(await again.get(full.queueId), listed(full));
    assert.deepEqual(await again.get(bare.queueId), listed(bare));
    assert.deepEqual(await again.find({}, { limit: 10 }), [bare, full].map(listed));
  });

  it("replaces the same messages again and again", async (t) => {
    const { catalog } = await open(t);
    const all = Array.from({ length: 20 }, () => summaryOf());
    for (let round = 0; round < 30; round++) {
      await Promise.all(all.map((one) => catalog.record({ ...one, subject: `round ${round}` })));
      if (round % 7 === 0) await catalog.forget((all[round % 20] ?? all[0] ?? summaryOf()).queueId);
    }
    assert.equal((await idsOf(catalog, { text: "round 29" })).length, 20);
    assert.deepEqual(await idsOf(catalog, { text: "round 28" }), []);
  });

  it("knows what it was told, before it is stored", async (t) => {
    const { catalog } = await open(t);
    const told = summaryOf();
    const stored = catalog.record(told);
    assert.deepEqual(await catalog.get(told.queueId), listed(told));
    const forgotten = catalog.forget(told.queueId);
    assert.equal(await catalog.get(told.queueId), null);
    await Promise.all([stored, forgotten]);
  });

  it("replaces by queue id, with all that was to be found by", async (t) => {
    const { catalog } = await open(t);
    const old = summaryOf();
    await catalog.record(old);
    const changed = summaryOf({ queueId: old.queueId, state: "forwarded", subject: "Reminder", rules: ["other.rule"] });
    await Promise.all([catalog.record(old), catalog.record(changed)]);
    assert.deepEqual(await catalog.find({}, { limit: 10 }), [listed(changed)]);
    assert.deepEqual(await idsOf(catalog, { text: "november" }), []);
    assert.deepEqual(await idsOf(catalog, { rule: "office.macro-autoexec" }), []);
    assert.deepEqual(await idsOf(catalog, { text: "reminder", rule: "other.rule" }), [old.queueId]);
    assert.deepEqual(await catalog.counts(), { forwarded: 1 });
  });

  it("forgets a message", async (t) => {
    const { catalog } = await open(t);
    const [gone, left] = [summaryOf(), summaryOf()];
    await Promise.all([catalog.record(gone), catalog.record(left)]);
    await catalog.forget(gone.queueId);
    await catalog.forget(gone.queueId);
    assert.equal(await catalog.get(gone.queueId), null);
    assert.deepEqual(await idsOf(catalog, { text: "invoice" }), [left.queueId]);
    assert.deepEqual(await idsOf(catalog, { sha256: "b".repeat(64) }), [left.queueId]);
  });

  it("pages from the newest to the oldest", async (t) => {
    const { catalog } = await open(t);
    const all = Array.from({ length: 25 }, (_, i) => summaryOf({ state: i % 2 ? "quarantine" : "deferred" }));
    await Promise.all(all.toReversed().map((summary) => catalog.record(summary)));
    const newest = all.map(({ queueId }) => queueId).reverse();
    const pages: QueueId[] = [];
    for (let page = await idsOf(catalog, {}, undefined, 10); page.length > 0; ) {
      pages.push(...page);
      page = await idsOf(catalog, {}, page.at(-1), 10);
    }
    assert.deepEqual(pages, newest);
    assert.deepEqual(
      await idsOf(catalog, { states: ["quarantine"] }, undefined, 5),
      newest.filter((_, i) => i % 2).slice(0, 5),
    );
    assert.deepEqual(await idsOf(catalog, { states: [] }), []);
    assert.deepEqual(await idsOf(catalog, { since: all[20]?.arrivedAt ?? "" }), newest.slice(0, 5));
    assert.deepEqual(await catalog.counts(), { deferred: 13, quarantine: 12 });
  });

  it("finds by rule and by the hash of the message or of a part", async (t) => {
    const { catalog } = await open(t);
    const one = summaryOf({ rules: ["a.b", "c.d", "c.d"], hashes: ["1".repeat(64), "1".repeat(64)] });
    await Promise.all([catalog.record(one), catalog.record(summaryOf())]);
    assert.deepEqual(await idsOf(catalog, { rule: "c.d" }), [one.queueId]);
    assert.deepEqual(await idsOf(catalog, { sha256: "1".repeat(64) }), [one.queueId]);
    assert.equal((await idsOf(catalog, { sha256: "a".repeat(64) })).length, 2);
    assert.deepEqual(await idsOf(catalog, { rule: "c" }), []);
  });

  const subject = "Überweisung Nr. 4711: 請求書の件　至急ﾃｽﾄ Счёт naïve";
  const found = [
    "überweisung",
    "UBERWEISUNG",
    "überw",
    "4711",
    "請求書",
    "請求",
    "求書",
    "件",
    "の件",
    "請",
    "テスト",
    "счёт",
    "naive",
    "sender@client.example",
    "client.exam",
    "second",
    "second@site.example 4711",
    "rechnung.pdf.exe",
    "rechnung",
    "pdf.exe",
    "office.macro",
    "autoexec 請求書 überweisung",
    "4711請求",
    "ｎａｉｖｅ",
  ];
  const missed = ["third", "書請", "求の", "4711 third", "invoice", "weisung", "!!!", '"', "テト"];
  it("finds words in sender, recipients, subject, names and rules, in any script", async (t) => {
    const { catalog } = await open(t);
    const one = summaryOf({ subject: subject.replace("4711:", "4711請求"), names: ["Rechnung.pdf.exe"] });
    const other = summaryOf({ subject: "x", reversePath: "y@z", forwardPaths: ["q@w"], names: [], rules: [] });
    await Promise.all([catalog.record(one), catalog.record(other)]);
    for (const text of found) assert.deepEqual(await idsOf(catalog, { text }), [one.queueId], text);
    for (const text of missed) assert.deepEqual(await idsOf(catalog, { text }), [], text);
    for (const text of ["", "  "])
      assert.equal((await idsOf(catalog, { text })).length, 2, "no words are no condition");
  });

  it("takes any text for a search without an error", async (t) => {
    const { catalog } = await open(t);
    await catalog.record(summaryOf());
    for (const text of [
      "a AND",
      "NEAR(",
      "*",
      "col:x",
      "\0",
      "^a",
      'a"b',
      "(",
      "-",
      "x".repeat(100_000),
      "{a b}",
      "' or 1=1 --",
    ])
      for (const field of ["text", "rule", "sha256", "sender", "recipient", "subject", "fileName", "route"])
        await catalog.find({ [field]: text }, { limit: 1 });
  });

  it("finds a piece of sender, recipient, subject or file name, each in its own place", async (t) => {
    const { catalog } = await open(t);
    const one = summaryOf({
      reversePath: "Jürgen_100%@paypa1.example",
      forwardPaths: ["first@site.example", "office@site.example"],
      subject: "Überweisung 請求書",
      names: ["rechnung!2026.pdf.exe", "b.zip"],
    });
    await Promise.all([catalog.record(one), catalog.record(summaryOf())]);
    const found: readonly Query[] = [
      { sender: "paypa1" },
      { sender: "JURGEN_100%@" },
      { sender: "ü" },
      { recipient: "office@site" },
      { subject: "weisung" },
      { subject: "ub" },
      { subject: "weisung 請求" },
      { subject: "求書" },
      { subject: "請" },
      { fileName: ".pdf.exe" },
      { fileName: "!2026" },
      { fileName: "b.zip" },
      { sender: "paypa1", fileName: "exe", recipient: "office@", text: "rechnung" },
    ];
    for (const query of found) assert.deepEqual(await idsOf(catalog, query), [one.queueId], JSON.stringify(query));
    const missed: readonly Query[] = [
      { sender: "office@site" },
      { recipient: "paypa1" },
      { subject: "rechnung" },
      { fileName: "Überweisung" },
      { sender: "n_1" + "%" },
      { sender: "jurgen%paypa1" },
      { fileName: "exe\nb" },
      { sender: "paypa1", text: "november" },
    ];
    for (const query of missed) assert.deepEqual(await idsOf(catalog, query), [], JSON.stringify(query));
  });

  it("combines every filter with every other", async (t) => {
    const { catalog } = await open(t);
    const one = summaryOf({ route: "a.example", severity: "critical", disposition: "forward", state: "forwarded" });
    const day = one.arrivedAt;
    const others = [
      summaryOf({ route: "a-example" }),
      summaryOf({ severity: null }),
      summaryOf({ disposition: null }),
      summaryOf({ state: "deferred", rules: [], names: [], hashes: [] }),
    ];
    await Promise.all([one, ...others].map((each) => catalog.record(each)));
    const filters: readonly Query[] = [
      { routes: ["a.example"] },
      { severities: ["critical", "low"] },
      { dispositions: ["forward"] },
      { states: ["forwarded", "bounced"] },
      { until: day },
      { nodes: [ownNode, "other"], until: day },
    ];
    const shared: readonly Query[] = [
      {},
      { text: "invoice client" },
      { sender: "sender@" },
      { recipient: "second@site" },
      { subject: "november" },
      { fileName: "2026-11.docm" },
      { rule: "office.macro-autoexec" },
      { sha256: "B".repeat(64) },
      { since: day },
    ];
    for (const filter of filters)
      for (const other of [...filters, ...shared]) {
        const query = { ...filter, ...other };
        assert.deepEqual(await idsOf(catalog, query), [one.queueId], JSON.stringify(query));
      }
    assert.deepEqual(await idsOf(catalog, Object.assign({}, ...filters, ...shared) as Query), [one.queueId]);
    for (const query of [{ severities: [] }, { dispositions: [] }, { nodes: [] }, { nodes: ["other"] }])
      assert.deepEqual(await idsOf(catalog, query), [], JSON.stringify(query));
  });

  it("keeps up with many changes at a time, the last one winning", async (t) => {
    const { catalog } = await open(t);
    const all = Array.from({ length: 300 }, () => summaryOf({ state: "active" }));
    await Promise.all(
      all.flatMap((summary, i) => [
        catalog.record(summary),
        i % 3 ? catalog.record({ ...summary, state: "deferred" }) : catalog.forget(summary.queueId),
      ]),
    );
    assert.deepEqual(await catalog.counts(), { deferred: 200 });
  });

  it("is empty after clear", async (t) => {
    const { catalog } = await open(t);
    await catalog.record(summaryOf());
    await catalog.clear();
    assert.deepEqual(await idsOf(catalog, {}), []);
    assert.deepEqual(await idsOf(catalog, { text: "invoice" }), []);
    assert.deepEqual(await catalog.counts(), {});
  });
}
