/** What expires when, on a real spool and journal: above all, that a flood leaves the evidence of others alone. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Part, QueueId, Sha256 } from "../../../src/core/message.ts";
import type { Dissection, Finding } from "../../../src/core/outcome.ts";
import type { Verdict } from "../../../src/core/verdict.ts";
import { silent } from "../../../src/observe/log.ts";
import { expireQuarantine, type HeldTotals, type RetentionOptions } from "../../../src/review/retention.ts";
import { openJournal } from "../../../src/spool/disk-journal.ts";
import { Layout } from "../../../src/spool/layout.ts";
import { clockAt, collect, envelopeOf, pieces, temporaryFolder, temporarySpool } from "../../support/spool.ts";

const day = 86_400_000;
const kilo = 1_000;

interface Held {
  readonly rule?: string;
  readonly severity?: Finding["severity"];
  /** Incomplete: why. */
  readonly why?: string;
  readonly attachment?: string;
  readonly octets?: Buffer;
  /** What the child says the hash is. */
  readonly claims?: string;
  readonly judged?: boolean;
}

const sha = (octets: Buffer | string): Sha256 => createHash("sha256").update(octets).digest("hex") as Sha256;

async function site(t: TestContext) {
  const dir = await temporaryFolder(t);
  const clock = clockAt("2026-11-01T00:00:00.000Z");
  const spool = await temporarySpool(t, { dir: join(dir, "spool"), clock });
  const journal = await openJournal({ dir: join(dir, "journal"), clock, log: silent });
  t.after(() => journal.close());
  let made = 0;

  async function hold({ rule, severity = "high", why, attachment, judged = true, ...more }: Held): Promise<QueueId> {
    clock.tick(1_000);
    const octets = more.octets ?? Buffer.alloc(kilo, `${made++} `);
    const queueId = spool.newId();
    const entry = await spool.arrive({ ...envelopeOf(queueId), arrivedAt: clock.now().toISOString() }, pieces(octets));
    const finding: Finding = {
      part: "1",
      inspector: "yara",
      rule: rule ?? `incomplete.${why}`,
      severity,
      tags: [],
      text: "",
    };
    const verdict: Verdict = {
      groups: [
        {
          forwardPaths: ["b@site.example"],
          route: "site.example",
          disposition: { kind: "quarantine", reason: "" },
          because: (rule ?? why) ? [finding] : [],
          policyLine: "held-by-policy",
        },
      ],
      summary: why ? "incomplete" : "found",
      policyVersion: "",
      ruleSet: "",
    };
    const part = { path: "1", role: "attachment", sha256: sha(attachment ?? "") } as Part;
    const dissection: Dissection = {
      parts: attachment ? [part] : [],
      outcomes: [],
      header: { subject: "", from: "", to: "", messageId: "", date: "" },
      sha256: (more.claims ?? sha(octets)) as Sha256,
      size: octets.length,
    };
    if (judged) await entry.once("parts.json", () => dissection);
    if (judged) await entry.once("verdict.json", () => verdict);
    await entry.claim("quarantine");
    return queueId;
  }

  let totals: HeldTotals | null = null;
  const soon: QueueId[] = [];
  const expire = (more: Partial<RetentionOptions> = {}): Promise<number> =>
    expireQuarantine({
      spool,
      journal,
      clock,
      log: silent,
      quota: 20 * kilo,
      classes: {
        critical: { share: 40, keepMs: 30 * day },
        found: { share: 30, keepMs: 30 * day },
        incomplete: { share: 20, keepMs: 30 * day },
        policy: { share: 10, keepMs: 30 * day },
      },
      onSoon: (id) => soon.push(id),
      onTotals: (now) => {
        totals = now;
      },
      ...more,
    });
  const flood = async (count: number, held: Held): Promise<readonly QueueId[]> => {
    const ids: QueueId[] = [];
    for (let i = 0; i < count; i++) ids.push(await hold(held));
    return ids;
  };
  const file = (id: QueueId): string => join(new Layout(join(dir, "spool")).entry("quarantine", id), "message.eml");
  return {
    clock,
    journal,
    hold,
    flood,
    expire,
    file,
    soon,
    held: () => collect(spool.list("quarantine")),
    totals: () => totals,
  };
}

const left = (all: readonly QueueId[], of: readonly QueueId[]): number => of.filter((id) => all.includes(id)).length;

for (const [kind, flood] of [
  ["incomplete messages", { why: "encrypted" }],
  ["findings", { rule: "a.b" }],
  ["critical findings", { rule: "a.b", severity: "critical" }],
  ["messages held by the policy", {}],
] as const)
  test(`a flood of ${kind} costs nothing that is held for another reason`, async (t) => {
    const { clock, hold, flood: many, expire, held } = await site(t);
    const evidence = [
      await hold({ rule: "targeted.attack", severity: "critical" }),
      await hold({ rule: "targeted.lure" }),
      await hold({ why: "crashed" }),
      await hold({ why: "limit" }),
    ];
    const flooded = await many(30, flood);
    assert.equal(await expire(), 0, "none is a day old");
    clock.tick(2 * day);
    assert.equal(await expire(), 34 - 20);
    const all = await held();
    assert.equal(left(all, evidence), evidence.length);
    assert.equal(left(all, flooded), 16);
    assert.equal(await expire(), 0, "it fits now");
  });

test("a flood of today takes nothing from yesterday's evidence, and goes itself as soon as it is a day old", async (t) => {
  const { clock, flood, expire, held } = await site(t);
  const evidence = await flood(7, { rule: "a.real" });
  clock.tick(3 * day);
  const flooded = await flood(40, { rule: "a.noise" });
  assert.equal(await expire(), 0);
  clock.tick(1.5 * day);
  await expire();
  assert.deepEqual([left(await held(), evidence), left(await held(), flooded)], [7, 13]);
});

test("all classes flooded at once keep their shares, reasons within a class share alike, and the oldest go first", async (t) => {
  const { clock, flood, expire, held, totals } = await site(t);
  const critical = await flood(16, { rule: "a.c", severity: "critical" });
  const first = await flood(12, { rule: "a.one" });
  const second = await flood(12, { rule: "a.two" });
  const incomplete = await flood(12, { why: "limit" });
  const policy = await flood(12, {});
  clock.tick(2 * day);
  await expire();
  const all = await held();
  assert.deepEqual(
    [critical, first, second, incomplete, policy].map((ids) => left(all, ids)),
    [8, 3, 3, 4, 2],
  );
  assert.deepEqual(
    critical.filter((id) => all.includes(id)),
    critical.slice(8),
  );
  assert.deepEqual(totals()?.critical, { count: 16, size: 16 * kilo, allowed: 8 * kilo });
});

test("of a wave with equal attachments the repeats go before anything that is held once", async (t) => {
  const { clock, hold, flood, expire, held } = await site(t);
  const single = await hold({ rule: "a.b", attachment: "the one that matters" });
  const wave = await flood(24, { rule: "a.b", attachment: "the wave" });
  clock.tick(2 * day);
  assert.equal(await expire(), 5);
  const all = await held();
  assert.ok(all.includes(single));
  assert.equal(left(all, wave), 19);
  assert.equal(await expire({ quota: 2 * kilo }), 18);
  assert.deepEqual(await held(), [single, wave.at(-1)]);
});

test("equal messages are held once and counted once, and each can go without the others", async (t) => {
  const { clock, flood, expire, held, file, totals } = await site(t);
  const octets = Buffer.alloc(10 * kilo, "again and again\r\n");
  const ids = await flood(10, { rule: "a.b", octets });
  clock.tick(2 * day);
  assert.equal(await expire(), 0, "100 kB that take 10");
  assert.deepEqual(totals()?.found, { count: 10, size: 10 * kilo, allowed: 10 * kilo });
  assert.equal(new Set(ids.map((id) => statSync(file(id)).ino)).size, 1);
  assert.equal(await expire({ quota: 5 * kilo }), 5, "each counts for a tenth");
  for (const id of await held()) assert.deepEqual(readFileSync(file(id)), octets);
});

test("a hash that a broken child has told does not make one message another's", async (t) => {
  const { clock, hold, expire, file } = await site(t);
  const [one, other] = [Buffer.alloc(5 * kilo, "evidence"), Buffer.alloc(5 * kilo, "innocent")];
  const ids = [await hold({ rule: "a.b", octets: one }), await hold({ rule: "a.b", octets: other, claims: sha(one) })];
  clock.tick(2 * day);
  assert.equal(await expire(), 0);
  assert.deepEqual(
    ids.map((id) => readFileSync(file(id))),
    [one, other],
  );
});

test("each class has its own time, announced once, a day before; the journal says why each one went", async (t) => {
  const { clock, journal, hold, expire, held, soon } = await site(t);
  const short = await hold({ why: "encrypted" });
  const long = await hold({ rule: "a.b", severity: "critical" });
  const unjudged = await hold({ judged: false });
  const rule = (days: number) => ({ share: 1, keepMs: days * day });
  const classes = { critical: rule(90), found: rule(30), incomplete: rule(7), policy: rule(30) };
  for (let hour = 0; hour < 24 * 31; hour++) {
    clock.tick(day / 24);
    await expire({ classes });
  }
  assert.deepEqual(soon, [short, unjudged]);
  assert.deepEqual(await held(), [long]);
  const lines = await collect(journal.read());
  assert.deepEqual(
    lines.map(({ event, queueId, text }) => [event, queueId, text]),
    [
      ["expired", short, "held longer than quarantine.classes.incomplete.keep, class incomplete"],
      ["expired", unjudged, "held longer than quarantine.classes.policy.keep, class policy"],
    ],
  );
});
