/** What each disposition does, while the client waits and when the message is ours; groups; mail that nobody can scan. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Disposition } from "../../../src/core/verdict.ts";
import { type Life, makeRig, type Rig, started } from "../../support/custody-rig.ts";
import { eventually } from "../../support/eventually.ts";
import { faultyDisk } from "../../support/faulty-disk.ts";
import { createFuse } from "../../support/fuse.ts";

const forward: Disposition = { kind: "forward", tags: ["checked"] };
const quarantine: Disposition = { kind: "quarantine", reason: "bad" };
const reject: Disposition = {
  kind: "reject",
  reply: { status: { class: 5, basic: 50, subject: 7, detail: 1 }, text: "no" },
};
const defer: Disposition = {
  kind: "defer",
  reply: { status: { class: 4, basic: 51, subject: 7, detail: 1 }, text: "not yet" },
};
const hold: Disposition = { kind: "hold", reason: "wait for better rules", forMs: 50 };

/** By the first word of the local part. */
const byName: Readonly<Record<string, Disposition>> = { good: forward, bad: quarantine, ugly: reject, early: defer };
const byRecipient = (path: string): Disposition => byName[/^[a-z]+/.exec(path)?.[0] ?? ""] ?? forward;

const deferredOnce = async (life: Life): Promise<void> => {
  await eventually(
    "deferred",
    async () => (await life.spool.count("deferred")) === 1 && life.parts.manager.active === 0,
  );
};

/** One disposition first, then another. */
function sequence(rig: Rig, first: Disposition, ...rest: readonly Disposition[]): void {
  const left = [first, ...rest];
  rig.scanner.dispose = () => (left.length > 1 ? left.shift() : left[0]) ?? first;
}

for (const reply_after of ["delivery", "spool"])
  test(`recipients with different verdicts go different ways, each once (${reply_after})`, async (t) => {
    const { rig, life } = await started(t, { route: { reply_after } });
    rig.scanner.dispose = byRecipient;
    const to = ["good1@site.test", "bad1@site.test", "good2@site.test", "ugly@site.test"];
    assert.match((await life.send({ to })).reply, /^250 /);
    await eventually("held", async () => (await life.held()).length === 2);
    await rig.arrive(1);
    await life.settled();
    assert.deepEqual(rig.arrived(), ["good1@site.test", "good2@site.test"]);
    const held = await Promise.all((await life.held()).map((id) => life.parts.review.show(id)));
    assert.deepEqual(
      held.map(({ envelope }) => envelope.forwardPaths.map(({ address }) => address).join()).toSorted(),
      ["bad1@site.test", "ugly@site.test"],
    );
    assert.equal(rig.taken.length, 1, "refused after the claim, but not bounced");
  });

test("recipients of several routes leave by their own routes", async (t) => {
  const { rig, life } = await started(t, { routes: [{ domains: ["other.test"], reply_after: "spool" }] });
  assert.match((await life.send({ to: ["a@site.test", "b@other.test other.test"] })).reply, /^250 /);
  await rig.arrive(2);
  await life.settled();
  assert.deepEqual(rig.arrived().toSorted(), ["a@site.test", "b@other.test"]);
});

test("when every group refuses, the client hears the temporary refusal, and nothing is kept", async (t) => {
  const { rig, life } = await started(t);
  rig.scanner.dispose = byRecipient;
  assert.equal((await life.send({ to: ["ugly@site.test", "early@site.test"] })).reply, "451 4.7.1 not yet");
  assert.equal((await life.send({ to: ["ugly@site.test"] })).reply, "550 5.7.1 no");
  await life.settled();
  assert.deepEqual(await life.told(), ["rejected ugly@site.test"]);
});

test("a split that fails half-way leaves nothing behind: the client is told to come back", async (t) => {
  const disk = faultyDisk();
  const { rig, life } = await started(t, { syscalls: disk.syscalls });
  rig.scanner.dispose = byRecipient;
  const to = ["good@site.test", "bad@site.test"];
  for (const [call, where] of [
    ["rename", "incoming"],
    ["write", "journal"],
  ] as const) {
    let renames = 0;
    disk.fail(call, "ENOSPC", where, 0);
    const { made } = disk;
    const before = made.length;
    rig.scanner.dispose = (path) => {
      // The first group's claim goes through, the second's does not.
      if (renames++ === 1) disk.fail(call, "ENOSPC", where);
      return byRecipient(path);
    };
    assert.match((await life.send({ to })).reply, /^452 /, call);
    assert.ok(made.length > before);
    await life.settled();
    assert.deepEqual(rig.arrived(), []);
    assert.deepEqual(await life.held(), []);
  }
  rig.scanner.dispose = byRecipient;
  assert.match((await life.send({ to })).reply, /^250 /);
  await rig.arrive(1);
  await eventually("held", async () => (await life.held()).length === 1);
  await life.settled();
});

for (const [what, change] of [
  ["another verdict", (rig: Rig) => (rig.scanner.dispose = () => forward)],
  ["no scanner", (rig: Rig) => (rig.scanner.isDown = true)],
] as const)
  test(`a split that a crash has interrupted is finished as it was begun, though there is ${what} now`, async (t) => {
    const rig = await makeRig({ route: { reply_after: "spool", on_scanner_failure: "forward_tagged" } });
    t.after(() => rig.close());
    const fuse = createFuse(() => new Promise(() => undefined));
    const life = await rig.boot(fuse.syscalls);
    rig.scanner.dispose = byRecipient;
    // The claim of the message is the first one, then the first of the two that it is split into.
    fuse.arm({ call: "^rename \\S+ \\S+/incoming/[^/ ]+$", nth: 2, when: "after" });
    const to = ["good@site.test", "bad@site.test"];
    const { id } = await life.send({ to });
    await eventually("half of it", () => fuse.blownAt !== null);
    await life.kill();
    change(rig);
    rig.scanner.ruleSet = "rules-2";
    const next = await rig.boot();
    await rig.arrive(2);
    const isGone = (): Promise<boolean> =>
      next.spool.find(id).then(
        () => false,
        () => true,
      );
    await eventually("the whole is gone", isGone);
    assert.deepEqual((await next.account()).unaccounted, []);
    assert.deepEqual(rig.arrived().toSorted(), ["bad@site.test", "good@site.test"], "each once");
    const accepted = (await next.lines()).filter(({ event }) => event === "accepted");
    assert.deepEqual(
      accepted.map(({ forwardPaths, related }) => [forwardPaths.join(), related === id]),
      [
        [to.join(), false],
        ["good@site.test", true],
        ["bad@site.test", true],
      ],
    );
  });

test("what was split off may be split once more when it is judged again, and nobody gets it twice", async (t) => {
  const { rig, life } = await started(t, { route: { reply_after: "spool" } });
  const to = ["good1@site.test", "good2@site.test", "bad@site.test"];
  rig.hop.say({ RCPT: "451 4.3.0 later" });
  rig.scanner.dispose = byRecipient;
  assert.match((await life.send({ to })).reply, /^250 /);
  await eventually("held and deferred", async () => (await life.held()).length === 1);
  await deferredOnce(life);
  rig.scanner.dispose = (path) => (path === "good2@site.test" ? quarantine : byRecipient(path));
  rig.scanner.ruleSet = "rules-2";
  rig.hop.say({ RCPT: "250 2.1.5 ok" });
  await rig.arrive(1);
  await eventually("two are held", async () => (await life.held()).length === 2);
  await life.settled();
  assert.deepEqual(rig.arrived(), ["good1@site.test"]);
});

for (const reply_after of ["delivery", "spool"])
  test(`what is held back is judged again when its time has come (${reply_after})`, async (t) => {
    const { rig, life } = await started(t, { route: { reply_after } });
    sequence(rig, hold, hold, forward);
    const { reply, id } = await life.send();
    assert.match(reply, /^250 /);
    await rig.arrive(1);
    await life.settled();
    assert.equal(rig.taken.length, 1);
    assert.deepEqual(await life.told(id), ["accepted b@site.test", "forwarded b@site.test"]);
  });

test("defer is a 4yz while the client waits; after the claim the message is judged again later", async (t) => {
  const waiting = await started(t);
  waiting.rig.scanner.dispose = () => defer;
  assert.equal((await waiting.life.send()).reply, "451 4.7.1 not yet");
  await waiting.life.settled();

  const { rig, life } = await started(t, { route: { reply_after: "spool" } });
  sequence(rig, defer, forward);
  assert.match((await life.send()).reply, /^250 /);
  await rig.arrive(1);
  await life.settled();
});

test("what is deferred until its time is up is held for a person, and not bounced", async (t) => {
  const { rig, life } = await started(t, { route: { reply_after: "spool", retry: { first: "1h" } } });
  rig.scanner.dispose = () => defer;
  await life.send();
  await deferredOnce(life);
  rig.clock.skip(6 * 86_400_000);
  await life.parts.manager.flush();
  await eventually("held", async () => (await life.held()).length === 1);
  await life.settled();
  assert.deepEqual(rig.attempts, []);
});

test("on_scanner_failure: defer asks the client to come back", async (t) => {
  const { rig, life } = await started(t);
  rig.scanner.isDown = true;
  assert.match((await life.send()).reply, /^451 4\.7\.1 /);
  await life.settled();
});

test("on_scanner_failure: defer after the claim waits for the scanner, and at last for a person", async (t) => {
  const { rig, life } = await started(t, { route: { reply_after: "spool", retry: { first: "1h" } } });
  rig.scanner.isDown = true;
  await life.send();
  await deferredOnce(life);
  rig.clock.skip(6 * 86_400_000);
  await life.parts.manager.flush();
  await eventually("held", async () => (await life.held()).length === 1);
  await life.settled();
  assert.deepEqual(rig.attempts, []);
});

test("on_scanner_failure: hold claims, and judges when the scanner is back", async (t) => {
  const { rig, life } = await started(t, { route: { on_scanner_failure: "hold" } });
  rig.scanner.isDown = true;
  assert.match((await life.send()).reply, /^250 /);
  await deferredOnce(life);
  await life.parts.manager.flush();
  await eventually("tried", () => rig.scanner.dissected.length === 2);
  await deferredOnce(life);
  assert.deepEqual(rig.attempts, []);
  rig.scanner.isDown = false;
  await life.parts.manager.flush();
  await rig.arrive(1);
  await life.settled();
});

test("on_scanner_failure: forward_tagged sends, keeps the message for its scan, and judges it however late", async (t) => {
  const { rig, life } = await started(t, { route: { on_scanner_failure: "forward_tagged" } });
  rig.scanner.isDown = true;
  assert.match((await life.send()).reply, /^250 /);
  assert.match(String(rig.taken[0]?.octets), /^X-Sallyport-[^\n]*unscanned/m);
  await deferredOnce(life);
  await life.parts.manager.flush();
  await eventually("tried", () => rig.scanner.dissected.length === 2);
  await deferredOnce(life);
  rig.scanner.isDown = false;
  rig.scanner.dispose = () => quarantine;
  await life.parts.manager.flush();
  await eventually("held", async () => (await life.held()).length === 1);
  await life.settled();
  assert.equal(rig.attempts.length, 1, "sent once");
});

test("mail that left unscanned and is found clean afterwards goes without being sent again", async (t) => {
  const { rig, life } = await started(t, { route: { on_scanner_failure: "forward_tagged" } });
  rig.scanner.isDown = true;
  rig.hop.say({ END: ["451 4.0.0 not now", "250 2.0.0 taken"] });
  assert.match((await life.send()).reply, /^250 /);
  await rig.arrive(1);
  await deferredOnce(life);
  rig.scanner.isDown = false;
  await life.parts.manager.flush();
  await life.settled();
  assert.equal(rig.attempts.length, 2);
});

test("mail that was never scanned until its time was up is shown to a person", async (t) => {
  const { rig, life } = await started(t, { route: { on_scanner_failure: "forward_tagged" } });
  rig.scanner.isDown = true;
  await life.send();
  await deferredOnce(life);
  rig.clock.skip(6 * 86_400_000);
  await life.parts.manager.flush();
  await eventually("held", async () => (await life.held()).length === 1);
  await life.settled();
  assert.equal(rig.taken.length, 1);
});

test("several routes without a scanner: each does what it is set to", async (t) => {
  const { rig, life } = await started(t, {
    route: { on_scanner_failure: "forward_tagged" },
    routes: [{ domains: ["other.test"], on_scanner_failure: "hold" }],
  });
  rig.scanner.isDown = true;
  assert.match((await life.send({ to: ["a@site.test", "b@other.test other.test"] })).reply, /^250 /);
  await rig.arrive(1);
  await eventually("deferred", async () => (await life.spool.count("deferred")) === 2);
  assert.deepEqual(rig.arrived(), ["a@site.test"]);
  rig.scanner.isDown = false;
  await eventually("idle", () => life.parts.manager.active === 0);
  await life.parts.manager.flush();
  await rig.arrive(2);
  await life.settled();
  assert.deepEqual(rig.arrived(), ["a@site.test", "b@other.test"]);
});
