/** Stripping: the original is held, the rest goes on, both are ours before the client hears 250, and a crash at any step doubles or loses nothing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Disposition, Strip } from "../../../src/core/verdict.ts";
import type { Stripped } from "../../../src/spool/spool.ts";
import { isEvil, type Life, makeRig, type Rig, started } from "../../support/custody-rig.ts";
import { eventually } from "../../support/eventually.ts";
import { faultyDisk } from "../../support/faulty-disk.ts";
import { createFuse } from "../../support/fuse.ts";
import { mail } from "../../support/mail.ts";
import { octetsOf } from "../../support/spool.ts";

const forward: Disposition = { kind: "forward", tags: [] };
const strip: Strip = {
  kind: "strip",
  reason: "programs are not wanted",
  notice: null,
  signed: false,
  otherwise: { kind: "quarantine", reason: "programs are not wanted" },
};
const octets = mail({ name: "../dir/invoice.exe", type: "application/x-evil", bytes: Buffer.from("evil octets") });
const encoded = Buffer.from("evil octets").toString("base64").slice(0, 12);
const modes = ["delivery", "verdict", "spool"] as const;

const stripping = (rig: Rig, as: Disposition = strip): void => {
  rig.scanner.dispose = (_path, _envelope, parts) => (parts.some(isEvil) ? as : forward);
};

async function oneHeld(life: Life) {
  await eventually("held", async () => (await life.held()).length === 1);
  const [id] = await life.held();
  assert.ok(id);
  return life.parts.review.show(id);
}

for (const reply_after of modes)
  for (const memory of ["64KiB", "1B"])
    test(`a message goes on without the part, its original is held (${reply_after}, ${memory} in memory)`, async (t) => {
      const { rig, life } = await started(t, { route: { reply_after }, memory });
      stripping(rig);
      const { reply, id } = await life.send({ octets });
      assert.equal(reply, `250 2.0.0 Ok: queued as ${id}`);
      await rig.arrive(1);
      await life.settled();
      const text = String(rig.taken[0]?.octets);
      assert.ok(!text.includes(encoded));
      assert.match(text, /^X-Sallyport-Tags: stripped\r$/m);
      assert.match(text, new RegExp(`id=[0-9A-Z]{26}`));
      for (const said of [
        "\r\nThe mail gateway mx.test has removed this from the message:\r\n",
        '\r\n  "invoice.exe" (application/x-evil, 11 B)\r\n',
        "\r\nReason: programs are not wanted\r\n",
        `\r\npostmaster@mx.test and name the message: ${id}\r\n`,
      ])
        assert.ok(text.includes(said), said);
      const kept = octets.toString().split("--b\r\n");
      assert.ok(
        text.endsWith("\r\n--b--\r\n") && text.includes(`${kept[0]}--b\r\n${kept[1]}--b\r\nContent-Type: text/plain`),
      );
      const held = await oneHeld(life);
      assert.equal(held.id, id);
      assert.deepEqual(await octetsOf(await life.spool.find(id)), octets);
      assert.deepEqual(await life.told(id), ["accepted b@site.test", "quarantined b@site.test"]);
      assert.equal((await life.account()).outcomes["forwarded"], 1);
    });

test("the held original is released once to one who has the stripped copy", async (t) => {
  const { rig, life } = await started(t);
  stripping(rig);
  const { id } = await life.send({ octets });
  await rig.arrive(1);
  await life.parts.review.release(id, { by: "admin", why: "asked for it" });
  await rig.arrive(2);
  await life.settled();
  assert.ok(String(rig.taken[1]?.octets).includes(encoded));
  await assert.rejects(life.parts.review.release(id, { by: "admin", why: "again" }), { code: "SENT_BEFORE" });
});

test("only those for whom the policy strips get the copy", async (t) => {
  const { rig, life } = await started(t);
  rig.scanner.dispose = (path, _envelope, parts) => (path.startsWith("s") && parts.some(isEvil) ? strip : forward);
  assert.match((await life.send({ octets, to: ["s1@site.test", "a@site.test", "s2@site.test"] })).reply, /^250 /);
  await rig.arrive(2);
  await life.settled();
  const got = rig.taken.map((one) => [one.forwardPaths.join(), String(one.octets).includes(encoded)]);
  assert.deepEqual(got.toSorted(), [
    ["a@site.test", true],
    ["s1@site.test,s2@site.test", false],
  ]);
  assert.deepEqual(
    (await oneHeld(life)).envelope.forwardPaths.map(({ address }) => address),
    ["s1@site.test", "s2@site.test"],
  );
});

test("what is left and would not be forwarded is no copy: the message is held as a whole", async (t) => {
  const { rig, life } = await started(t);
  rig.scanner.dispose = (_path, _envelope, parts) =>
    parts.some(isEvil) ? strip : { kind: "quarantine", reason: "bad" };
  assert.match((await life.send({ octets })).reply, /^250 /);
  const held = await oneHeld(life);
  await life.settled();
  assert.deepEqual(rig.attempts, []);
  const [, line] = await life.lines();
  assert.equal(
    line?.text,
    'programs are not wanted (not stripped: What is left is not to be forwarded: line "test" of the policy)',
  );
  assert.equal(held.verdict?.groups[0]?.disposition.kind, "strip");
});

test("signed mail is left whole unless the policy wants otherwise; a policy may refuse what cannot be stripped", async (t) => {
  const { rig, life } = await started(t);
  const signed = Buffer.from(octets.toString().replace("multipart/mixed", "multipart/signed"));
  stripping(rig);
  assert.match((await life.send({ octets: signed })).reply, /^250 /);
  assert.match((await life.lines()).at(-1)?.text ?? "", /not stripped: It is signed or encrypted/);
  const refusal = { status: { class: 5, basic: 50, subject: 7, detail: 1 }, text: "no" } as const;
  stripping(rig, { ...strip, otherwise: { kind: "reject", reply: refusal } });
  assert.equal((await life.send({ octets: signed })).reply, "550 5.7.1 no");
  assert.deepEqual(rig.attempts, []);
  stripping(rig, { ...strip, signed: true });
  await life.send({ octets: signed });
  await rig.arrive(1);
  await life.settled();
});

test("nothing that was found is a part of its own: the message is held", async (t) => {
  const { rig, life } = await started(t);
  rig.scanner.dispose = () => strip;
  await life.send();
  assert.match((await life.lines()).at(-1)?.text ?? "", /not stripped: What was found is no part/);
  await life.settled();
});

test("a scanner that goes away in between holds the message; it does not count as unscanned", async (t) => {
  const { rig, life } = await started(t, { route: { on_scanner_failure: "forward_tagged" } });
  rig.scanner.dispose = (_path, _envelope, parts) => {
    rig.scanner.isDown = true;
    return parts.some(isEvil) ? strip : forward;
  };
  assert.match((await life.send({ octets })).reply, /^250 /);
  await oneHeld(life);
  await life.settled();
  assert.deepEqual(rig.attempts, []);
});

test("what left unscanned and is to be stripped afterwards is held, and nothing is sent again", async (t) => {
  const { rig, life } = await started(t, { route: { on_scanner_failure: "forward_tagged" } });
  rig.scanner.isDown = true;
  await life.send({ octets });
  await eventually(
    "deferred",
    async () => (await life.spool.count("deferred")) === 1 && life.parts.manager.active === 0,
  );
  rig.scanner.isDown = false;
  stripping(rig);
  await life.parts.manager.flush();
  await oneHeld(life);
  await life.settled();
  assert.equal(rig.taken.length, 1);
});

test("wording of the policy stands in the place of the part, in any script", async (t) => {
  const { rig, life } = await started(t);
  stripping(rig, { ...strip, notice: "削除しました：\n{removed}\n{id} {contact} {gateway} {reason}" });
  const { id } = await life.send({ octets });
  await rig.arrive(1);
  const [, base64 = ""] =
    /charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n([^-]+)\r\n\r\n--b--/.exec(
      String(rig.taken[0]?.octets),
    ) ?? [];
  assert.equal(
    Buffer.from(base64, "base64").toString(),
    `削除しました：\r\n  "invoice.exe" (application/x-evil, 11 B)\r\n${id} postmaster@mx.test mx.test programs are not wanted\r\n`,
  );
  await life.settled();
});

test("the copy says what it is, and is not stripped again when it is judged anew", async (t) => {
  const { rig, life } = await started(t);
  stripping(rig);
  rig.hop.say({ RCPT: "451 4.3.0 later" });
  const { id } = await life.send({ octets });
  await eventually(
    "deferred",
    async () => (await life.spool.count("deferred")) === 1 && life.parts.manager.active === 0,
  );
  for await (const copy of life.spool.list("deferred")) {
    const made = await (await life.spool.find(copy)).read<Stripped>("strip.json");
    assert.deepEqual(
      [made?.from, made?.policyLine, made?.removed.map(({ path, names }) => [path, names])],
      [id, "test", [["2", ["../dir/invoice.exe"]]]],
    );
  }
  rig.scanner.dispose = () => strip;
  rig.scanner.ruleSet = "rules-2";
  await life.parts.manager.flush();
  await eventually("both are held", async () => (await life.held()).length === 2);
  await life.settled();
  assert.deepEqual(rig.arrived(), []);
});

test("a rescan that comes to the same end sends no second copy; one that finds nothing sends the original", async (t) => {
  const { rig, life } = await started(t, { route: { reply_after: "spool" } });
  stripping(rig);
  const { id } = await life.send({ octets });
  await rig.arrive(1);
  await life.settled();
  await life.parts.review.rescan(id, { by: "admin", why: "look again" });
  await eventually("held again", async () => (await life.told(id)).length === 3);
  await life.settled();
  assert.equal(rig.taken.length, 1);
  rig.scanner.dispose = () => forward;
  await life.parts.review.rescan(id, { by: "admin", why: "the rule was wrong" });
  await rig.arrive(2);
  await life.settled();
  assert.ok(String(rig.taken[1]?.octets).includes(encoded));
});

test("if either cannot be claimed, the client keeps the message and nothing stays here", async (t) => {
  for (const where of ["quarantine", "incoming"] as const) {
    const disk = faultyDisk();
    const { rig, life } = await started(t, { syscalls: disk.syscalls });
    stripping(rig);
    disk.fail("rename", "ENOSPC", where);
    assert.match((await life.send({ octets })).reply, /^452 /, where);
    await life.settled();
    assert.deepEqual([rig.attempts, await life.held()], [[], []]);
  }
});

test("what a crash has interrupted is finished as it was begun, though the message would be forwarded now", async (t) => {
  const rig = await makeRig({ route: { reply_after: "spool" } });
  t.after(() => rig.close());
  stripping(rig);
  const fuse = createFuse(() => new Promise(() => undefined));
  const life = await rig.boot(fuse.syscalls);
  // The claim of the message is the first one, that of its copy the second.
  fuse.arm({ call: "^rename \\S+ \\S+/incoming/[^/ ]+$", nth: 2, when: "after" });
  const { id } = await life.send({ octets });
  await eventually("half of it", () => fuse.blownAt !== null);
  await life.kill();
  rig.scanner.dispose = () => forward;
  rig.scanner.ruleSet = "rules-2";
  const next = await rig.boot();
  await rig.arrive(1);
  assert.equal((await oneHeld(next)).id, id);
  await next.settled();
  assert.equal(rig.taken.length, 1);
  assert.ok(!String(rig.taken[0]?.octets).includes(encoded));
});

for (const reply_after of ["delivery", "spool"] as const)
  test(`killed at any move or line, the original is held and its recipient has one copy (${reply_after})`, {
    timeout: 120_000,
  }, async (t) => {
    for (let nth = 1; ; nth++) {
      const rig = await makeRig({ route: { reply_after } });
      t.after(() => rig.close());
      stripping(rig);
      const fuse = createFuse(() => new Promise(() => undefined));
      const life = await rig.boot(fuse.syscalls);
      fuse.arm({ call: "^rename |^write \\S+/journal/", nth, when: "after" });
      const heard = life.send({ octets }).then(({ reply }) => reply);
      const end = await Promise.race([
        heard.then(async (reply) => {
          await rig.arrive(1);
          await life.settled();
          return reply;
        }),
        eventually("a death", () => fuse.blownAt !== null, 20_000).then(() => null),
      ]).catch(() => null);
      if (end !== null && fuse.blownAt === null) return assert.ok(nth > 6, `${nth} steps`);
      const reply = await Promise.race([heard, new Promise<null>((resolve) => setImmediate(resolve, null))]);
      await life.kill();
      const next = await rig.boot();
      if (!reply?.startsWith("250")) await next.send({ octets });
      await rig.arrive(1);
      await next.settled();
      const where = `${nth}: ${String(fuse.blownAt)}`;
      assert.ok(
        rig.taken.every((one) => !String(one.octets).includes(encoded)),
        where,
      );
      if (reply?.startsWith("250")) {
        assert.equal((await next.held()).length, 1, where);
        // The next hop's word may not have been written down (RFC 1047).
        assert.ok(rig.taken.length <= 2, where);
      } else assert.ok((await next.held()).length >= 1, where);
    }
  });
