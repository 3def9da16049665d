/** What every Spool must do, whatever it is made of. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { type TestContext, test } from "node:test";
import type { Content } from "../../src/core/job.ts";
import type { QueueId } from "../../src/core/message.ts";
import type { Delivery, ReviewLine, Spool } from "../../src/spool/spool.ts";
import { arriveWith, collect, envelopeOf, octetsOf, pieces } from "../support/spool.ts";

/** Opens a spool whose messages stay in memory up to 1,024 octets; again with the same `place`, after close(). */
export interface SpoolFactory {
  readonly name: string;
  readonly open: (t: TestContext) => Promise<{ readonly spool: Spool; readonly reopen: () => Promise<Spool> }>;
}

const small = Buffer.from("Subject: small\r\n\r\nhello\r\n");
const large = Buffer.concat([Buffer.from("Subject: large\r\n\r\n"), Buffer.alloc(300_000, "0123456789abcdef\r\n")]);
const delivery: Delivery = {
  attempts: 1,
  nextAttempt: "2026-11-22T11:00:00.000Z",
  expires: null,
  judging: false,
  crashes: 0,
  paths: { "b@site.example": { state: "pending", reply: "", at: "2026-11-22T10:00:00.000Z" } },
};
const review: ReviewLine = { at: "2026-11-22T10:00:00.000Z", by: "admin", what: "commented", why: "looks fine" };
const missing = "01KAAAAAAAAAAAAAAAAAAAAAAA" as QueueId;

const octetsIn = async (content: Content): Promise<Buffer> =>
  content.kind === "bytes" ? Buffer.from(content.bytes) : readFile(content.file);

export function spoolContract({ name, open }: SpoolFactory): void {
  const it = (sentence: string, body: (t: TestContext) => Promise<void>): void => {
    test(`${name}: ${sentence}`, body);
  };

  for (const [size, octets] of [
    ["a small", small],
    ["a large", large],
  ] as const) {
    it(`keeps the octets of ${size} message over claim, move and restart`, async (t) => {
      const { spool, reopen } = await open(t);
      const entry = await arriveWith(spool, octets);
      assert.equal(entry.state, "arriving");
      assert.equal(entry.size, octets.length);
      assert.deepEqual(await octetsIn(entry.content()), octets);
      await entry.claim("incoming");
      assert.deepEqual(await octetsIn(entry.content()), octets);
      await entry.move("active");
      await entry.move("deferred");
      assert.deepEqual(await octetsOf(entry), octets);
      await spool.close();
      const found = await (await reopen()).open(entry.id, "deferred");
      assert.deepEqual(found.envelope, entry.envelope);
      assert.equal(found.size, octets.length);
      assert.deepEqual(await octetsOf(found), octets);
    });

    it(`forgets ${size} message that was never claimed, at removal and at restart`, async (t) => {
      const { spool, reopen } = await open(t);
      const removed = await arriveWith(spool, octets);
      await removed.remove();
      assert.equal(removed.state, "gone");
      const left = await arriveWith(spool, octets);
      assert.deepEqual(await collect(spool.list("arriving")), [left.id]);
      await spool.close();
      const again = await reopen();
      assert.equal(await again.count("arriving"), 0);
      await assert.rejects(again.find(left.id), { code: "SPOOL_NOT_THERE" });
    });

    it(`goes on sending ${size} message while it is claimed, moved and removed`, async (t) => {
      const { spool } = await open(t);
      const entry = await arriveWith(spool, octets);
      const got: Uint8Array[] = [];
      const sending = entry.octets()[Symbol.asyncIterator]();
      const first = await sending.next();
      if (!first.done) got.push(first.value);
      await entry.claim("active");
      await entry.move("deferred");
      await entry.remove();
      for (let next = await sending.next(); !next.done; next = await sending.next()) got.push(next.value);
      assert.deepEqual(Buffer.concat(got), octets);
    });
  }

  it("keeps a message of no octets at all", async (t) => {
    const { spool, reopen } = await open(t);
    const entry = await arriveWith(spool, Buffer.alloc(0));
    await entry.claim("incoming");
    await spool.close();
    const found = await (await reopen()).find(entry.id);
    assert.equal(found.size, 0);
    assert.deepEqual(await octetsOf(found), Buffer.alloc(0));
  });

  it("passes on what the content throws, and leaves nothing behind", async (t) => {
    const { spool } = await open(t);
    for (const octets of [small, large]) {
      const failing = async function* (): AsyncIterable<Uint8Array> {
        yield* pieces(octets);
        throw new Error("client gone");
      };
      await assert.rejects(spool.arrive(envelopeOf(spool.newId()), failing()), { message: "client gone" });
    }
    assert.equal(await spool.count("arriving"), 0);
  });

  it("does nothing at a second claim", async (t) => {
    const { spool } = await open(t);
    const entry = await arriveWith(spool, small);
    await Promise.all([entry.claim("quarantine"), entry.claim("incoming")]);
    assert.equal(entry.state, "quarantine");
    assert.equal(await spool.count("incoming"), 0);
  });

  it("makes a step once, however many ask, and keeps it over the claim and a restart", async (t) => {
    const { spool, reopen } = await open(t);
    const entry = await arriveWith(spool, small);
    let made = 0;
    const make = async (): Promise<{ readonly parts: readonly string[] }> => {
      made += 1;
      await entry.once("inspection.json", () => ({ nested: true }));
      return { parts: ["0", "1"] };
    };
    const values = await Promise.all([entry.once("parts.json", make), entry.once("parts.json", make)]);
    assert.deepEqual(values, [{ parts: ["0", "1"] }, { parts: ["0", "1"] }]);
    await entry.claim("incoming");
    assert.equal(await entry.once("verdict.json", () => "judged"), "judged");
    await spool.close();
    const found = await (await reopen()).find(entry.id);
    assert.deepEqual(await found.once("parts.json", make), { parts: ["0", "1"] });
    assert.deepEqual(await found.read("inspection.json"), { nested: true });
    assert.equal(await found.read("verdict.json"), "judged");
    assert.equal(made, 1);
  });

  it("lets a claim pass while a step is still being made", async (t) => {
    const { spool } = await open(t);
    const entry = await arriveWith(spool, small);
    const slow = Promise.withResolvers<string>();
    const step = entry.once("inspection.json", () => slow.promise);
    await entry.claim("active");
    slow.resolve("late");
    assert.equal(await step, "late");
    assert.equal(await entry.read("inspection.json"), "late");
  });

  it("stores nothing of a step that failed, and makes it again", async (t) => {
    const { spool } = await open(t);
    const entry = await arriveWith(spool, small);
    await assert.rejects(
      entry.once("parts.json", () => Promise.reject(new Error("no worker"))),
      { message: "no worker" },
    );
    assert.equal(await entry.once("parts.json", () => 2), 2);
  });

  it("forgets a step and all later ones, but not the earlier ones", async (t) => {
    const { spool } = await open(t);
    const entry = await arriveWith(spool, small);
    for (const file of ["parts.json", "inspection.json"] as const) await entry.once(file, () => file);
    await entry.claim("quarantine");
    await entry.once("verdict.json", () => "verdict.json");
    await entry.forget("inspection.json");
    assert.equal(await entry.read("parts.json"), "parts.json");
    assert.equal(await entry.read("inspection.json"), null);
    assert.equal(await entry.read("verdict.json"), null);
    assert.equal(await entry.once("inspection.json", () => "again"), "again");
  });

  it("leaves no file of a step that was forgotten while it was being made", async (t) => {
    const { spool } = await open(t);
    const entry = await arriveWith(spool, small);
    await entry.claim("active");
    const slow = Promise.withResolvers<string>();
    const began = Promise.withResolvers<void>();
    const step = entry.once("parts.json", () => {
      began.resolve();
      return slow.promise;
    });
    await began.promise;
    await entry.forget("parts.json");
    slow.resolve("old");
    assert.equal(await step, "old");
    assert.equal(await entry.read("parts.json"), null);
  });

  it("replaces the delivery whole and appends to the review, before and after the claim", async (t) => {
    const { spool, reopen } = await open(t);
    const entry = await arriveWith(spool, small);
    await entry.record(delivery);
    await entry.append(review);
    await entry.claim("quarantine");
    await entry.record({ ...delivery, attempts: 2 });
    await entry.append({ ...review, what: "released", why: "by request" });
    await spool.close();
    const found = await (await reopen()).find(entry.id);
    assert.deepEqual(await found.read("delivery.json"), { ...delivery, attempts: 2 });
    assert.deepEqual(
      (await found.review()).map((line) => line.what),
      ["commented", "released"],
    );
  });

  it("refuses moves that the table of states does not have", async (t) => {
    const { spool } = await open(t);
    const entry = await arriveWith(spool, small);
    await entry.claim("incoming");
    await assert.rejects(entry.move("quarantine"), { code: "SPOOL_NOT_THERE" });
    assert.equal(entry.state, "incoming");
  });

  it("lets only one of two owners have it", async (t) => {
    const { spool } = await open(t);
    const entry = await arriveWith(spool, small);
    await entry.claim("active");
    const other = await spool.open(entry.id, "active");
    const moved = await Promise.allSettled([entry.move("deferred"), other.move("quarantine")]);
    assert.deepEqual(moved.map((result) => result.status).sort(), ["fulfilled", "rejected"]);
    await assert.rejects(spool.open(entry.id, "active"), { code: "SPOOL_NOT_THERE" });
  });

  it("refuses everything but memories to those who hold a removed entry", async (t) => {
    const { spool } = await open(t);
    const entry = await arriveWith(spool, small);
    await entry.once("verdict.json", () => "judged");
    await entry.claim("incoming");
    await entry.remove();
    await entry.remove();
    assert.equal(await entry.read("verdict.json"), "judged");
    assert.throws(() => entry.content(), { code: "SPOOL_NOT_THERE" });
    for (const attempt of [
      () => entry.move("active"),
      () => entry.claim("incoming"),
      () => entry.record(delivery),
      () => entry.append(review),
      () => entry.once("parts.json", () => 1),
      () => entry.read("inspection.json"),
    ])
      await assert.rejects(attempt(), { code: "SPOOL_NOT_THERE" });
    await assert.rejects(spool.find(entry.id), { code: "SPOOL_NOT_THERE" });
  });

  it("lists each state by arrival and finds a message in any of them", async (t) => {
    const { spool } = await open(t);
    const ids: QueueId[] = [];
    for (let i = 0; i < 12; i += 1) {
      const entry = await arriveWith(spool, small);
      ids.push(entry.id);
      await entry.claim(i % 3 === 0 ? "quarantine" : "deferred");
    }
    assert.deepEqual(
      await collect(spool.list("quarantine")),
      ids.filter((_, i) => i % 3 === 0),
    );
    assert.equal(await spool.count("deferred"), 8);
    for (const id of ids) assert.equal((await spool.find(id)).id, id);
  });

  it("gives out ids that rise", async (t) => {
    const { spool } = await open(t);
    const ids = Array.from({ length: 5_000 }, () => spool.newId());
    assert.deepEqual(ids.toSorted(), ids);
    assert.equal(new Set(ids).size, ids.length);
  });

  for (const [size, octets] of [
    ["a small", small],
    ["a large", large],
  ] as const)
    it(`derives from ${size} message, arriving or claimed, and recognises what it derived before`, async (t) => {
      const { spool, reopen } = await open(t);
      const entry = await arriveWith(spool, octets);
      const first = spool.newId();
      const second = spool.newId();
      const files = { "verdict.json": "of the group" };
      const one = await spool.derive(entry, { envelope: envelopeOf(first, ["c@site.example"]), files }, "quarantine");
      assert.equal(one.state, "quarantine");
      await entry.claim("incoming");
      await spool.derive(entry, { envelope: envelopeOf(second) }, "incoming");
      const again = { envelope: envelopeOf(second) };
      const [x, y] = await Promise.all([spool.derive(entry, again, "incoming"), spool.derive(one, again, "incoming")]);
      assert.equal(x, y);
      await entry.remove();
      assert.equal(await spool.count("incoming"), 1);
      await spool.close();
      const reopened = await reopen();
      const found = await reopened.find(first);
      assert.deepEqual(await octetsOf(found), octets);
      assert.equal(found.envelope.forwardPaths[0]?.address, "c@site.example");
      assert.equal(await found.read("verdict.json"), "of the group");
      assert.deepEqual(await octetsOf(await reopened.find(second)), octets);
    });

  it("gives equal messages one file, which each keeps over the end of the other, and leaves unequal ones alone", async (t) => {
    const { spool, reopen } = await open(t);
    const [one, twin, other] = [
      await arriveWith(spool, large),
      await arriveWith(spool, large),
      await arriveWith(spool, large.with(100, 0x21)),
    ];
    assert.equal(await one.shareOctets(twin), false, "not ours yet");
    for (const entry of [one, twin, other]) await entry.claim("quarantine");
    assert.equal(await twin.shareOctets(one), true);
    assert.equal(await twin.shareOctets(one), true);
    assert.equal(await one.shareOctets(one), false);
    assert.equal(await other.shareOctets(one), false);
    await one.remove();
    assert.equal(await twin.shareOctets(one), false, "it has left");
    await spool.close();
    const again = await reopen();
    assert.deepEqual(await octetsOf(await again.find(twin.id)), large);
    assert.deepEqual(await octetsOf(await again.find(other.id)), Buffer.from(large.with(100, 0x21)));
  });

  it("never makes a path of a hostile id", async (t) => {
    const { spool } = await open(t);
    const hostile = [
      "",
      "..",
      "../incoming",
      "a/b",
      `${missing}/..`,
      `${missing}\0`,
      missing.toLowerCase(),
      "x".repeat(9_999),
    ];
    for (const id of hostile as QueueId[]) {
      await assert.rejects(spool.open(id, "incoming"), { code: "SPOOL_NOT_THERE" });
      await assert.rejects(spool.find(id), { code: "SPOOL_NOT_THERE" });
      await assert.rejects(arriveWith(spool, small, id), RangeError);
    }
    await assert.rejects(spool.find(missing), { code: "SPOOL_NOT_THERE" });
  });

  it("holds back what is reserved, until it is given back", async (t) => {
    const { spool } = await open(t);
    const before = await spool.room();
    {
      using _held = await spool.reserve(1_000_000);
      assert.ok((await spool.room()) <= before - 900_000);
    }
    await assert.rejects(spool.reserve(Number.MAX_SAFE_INTEGER), { code: "SPOOL_FULL" });
  });
}
