/** Between the final dot and its reply: whose turn it is, what the deadline does, what becomes of a message whose client goes away. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { GatewayError } from "../../../src/core/errors.ts";
import { nodeSyscalls, type Syscalls } from "../../../src/spool/durable.ts";
import { gate, type Life, started } from "../../support/custody-rig.ts";
import { eventually } from "../../support/eventually.ts";
import { faultyDisk } from "../../support/faulty-disk.ts";

const soon = { reply_deadline: "40ms" };
const refusesAll = {
  kind: "reject",
  reply: { status: { class: 5, basic: 50, subject: 7, detail: 1 }, text: "no" },
} as const;

const isEmpty = async ({ spool }: Life): Promise<boolean> => {
  const counts = await Promise.all(
    (["arriving", "incoming", "active", "deferred"] as const).map((s) => spool.count(s)),
  );
  return counts.every((count) => count === 0);
};

test("the next hop's reply is the client's, and nothing was ever ours", async (t) => {
  const { rig, life } = await started(t, {
    hop: { replies: { END: ["250 2.0.0 taken as 17", "452 4.2.2 full", "554 5.7.0 no"] } },
  });
  assert.equal((await life.send()).reply, "250 2.0.0 taken as 17");
  assert.equal((await life.send()).reply, "452 4.2.2 full");
  assert.equal((await life.send()).reply, "554 5.7.0 no");
  assert.equal(rig.taken.length, 1);
  assert.deepEqual(await life.told(), ["forwarded b@site.test", "rejected b@site.test"]);
  assert.ok(await isEmpty(life));
});

test("at the deadline a message becomes ours, its client hears 250, and the transaction goes on", async (t) => {
  const { rig, life } = await started(t, {
    route: soon,
    hop: { replies: { END: { afterMs: 300, say: "250 2.0.0 taken" } } },
  });
  const { reply, id } = await life.send();
  assert.equal(reply, `250 2.0.0 Ok: queued as ${id}`);
  assert.equal(await life.spool.count("active"), 1);
  await rig.arrive(1);
  await life.settled();
  assert.deepEqual(await life.told(), ["accepted b@site.test", "forwarded b@site.test"]);
  assert.equal(rig.attempts.length, 1);
});

test("a refusal that comes after the deadline becomes one DSN", async (t) => {
  const END = (_: string, { reversePath }: { readonly reversePath: string }) =>
    reversePath === "" ? "250 2.0.0 taken" : { afterMs: 200, say: "550 5.1.1 nobody here" };
  const { rig, life } = await started(t, { route: soon, hop: { replies: { END } } });
  assert.match((await life.send()).reply, /^250 /);
  await rig.arrive(1);
  await life.settled();
  const [dsn, ...more] = rig.taken;
  assert.deepEqual(more, []);
  assert.deepEqual(dsn?.forwardPaths, ["a@client.test"]);
  assert.match(String(dsn?.octets), /Diagnostic-Code: smtp; 550 5\.1\.1 nobody here/);
});

test("recipients that the next hop takes, refuses and puts off are sent to, bounced and tried again (R8)", async (t) => {
  const RCPT = (line: string) =>
    line.includes("<c@") ? "550 5.1.1 no c" : line.includes("<d@") ? "450 4.2.1 later" : "250 2.1.5 ok";
  const { rig, life } = await started(t, { hop: { replies: { RCPT } } });
  const claims: number[] = [];
  rig.hop.say({
    END: () => {
      claims.push(life.events.filter(({ event }) => event === "accepted").length);
      return "250 2.0.0 taken";
    },
  });
  const { reply, id } = await life.send({ to: ["b@site.test", "c@site.test", "d@site.test"] });
  assert.equal(reply, `250 2.0.0 Ok: queued as ${id}`);
  assert.equal(claims[0], 1, "claimed before the final dot");
  await rig.arrive(2);
  assert.deepEqual(rig.arrived().toSorted(), ["a@client.test", "b@site.test"]);
  rig.hop.say({ RCPT: "250 2.1.5 ok" });
  await rig.arrive(3);
  await life.settled();
  assert.deepEqual(rig.arrived().toSorted(), ["a@client.test", "b@site.test", "d@site.test"]);
});

test("of refusals only, the temporary one is passed on, and nothing is kept", async (t) => {
  const RCPT = (line: string) => (line.includes("<c@") ? "550 5.1.1 no c" : "450 4.2.1 later");
  const { life } = await started(t, { hop: { replies: { RCPT } } });
  assert.equal((await life.send({ to: ["c@site.test", "d@site.test"] })).reply, "450 4.2.1 later");
  assert.ok(await isEmpty(life));
});

test("the deadline answers for a message that was claimed before the final dot, while the next hop is silent", async (t) => {
  const RCPT = (line: string) => (line.includes("<c@") ? "550 5.1.1 no c" : "250 2.1.5 ok");
  const END = { afterMs: 400, say: "250 2.0.0 taken" };
  const { rig, life } = await started(t, { route: soon, hop: { replies: { RCPT, END } } });
  assert.match((await life.send({ from: "", to: ["b@site.test", "c@site.test"] })).reply, /^250 /);
  assert.equal(rig.taken.length, 0);
  await rig.arrive(1);
  await life.settled();
});

test("a client that goes away before our final dot takes its message with it (R9)", async (t) => {
  const { rig, life } = await started(t, { hop: { replies: { DATA: { afterMs: 500, say: "354 go" } } } });
  const client = new AbortController();
  const sending = life.send({ gone: client.signal });
  await eventually("DATA", () => rig.hop.commands.includes("DATA"));
  client.abort();
  assert.match((await sending).reply, /^451 4\.4\.2 /);
  assert.deepEqual(rig.attempts, []);
  assert.ok(await isEmpty(life));
});

test("a client that is gone already when its message is whole has nothing forwarded", async (t) => {
  const { rig, life } = await started(t);
  assert.match((await life.send({ gone: AbortSignal.abort() })).reply, /^451 /);
  assert.deepEqual(rig.attempts, []);
});

test("a client that goes away after our final dot does not keep the message from arriving, once (R9)", async (t) => {
  const client = new AbortController();
  const END = () => {
    client.abort();
    return { afterMs: 100, say: "250 2.0.0 taken" };
  };
  const { rig, life } = await started(t, { hop: { replies: { END } } });
  assert.match((await life.send({ gone: client.signal })).reply, /^250 2\.0\.0 taken/);
  assert.equal(rig.taken.length, 1);
  assert.deepEqual(await life.told(), ["forwarded b@site.test"]);
});

test("a refusal after the deadline is no bounce: the message is held for a person", async (t) => {
  const { rig, life } = await started(t, { route: soon });
  const verdict = gate();
  rig.scanner.gate = verdict.promise;
  rig.scanner.dispose = () => refusesAll;
  const { reply, id } = await life.send();
  assert.match(reply, /^250 /);
  verdict.open();
  await eventually("held", async () => (await life.held()).length === 1);
  assert.deepEqual(await life.told(id), ["accepted b@site.test", "quarantined b@site.test"]);
  await life.settled();
  assert.deepEqual(rig.attempts, []);
});

test("beyond the window the deadline does not claim: 451, unless the next hop has the message by then (R10)", async (t) => {
  const { rig, life } = await started(t, { route: soon, maxActive: 1 });
  const verdict = gate();
  rig.scanner.gate = verdict.promise;
  const first = await life.send();
  assert.match(first.reply, /^250 /);
  assert.match((await life.send()).reply, /^451 4\.3\.2 /);
  assert.equal(await life.spool.count("arriving"), 0);
  rig.scanner.gate = Promise.resolve();
  rig.hop.say({ END: { afterMs: 300, say: "250 2.0.0 taken in time" } });
  assert.equal((await life.send()).reply, "250 2.0.0 taken in time");
  verdict.open();
  await rig.arrive(2);
  await life.settled();
});

test("a deadline that cannot claim ends what may still be ended, and else waits for the next hop (R11)", async (t) => {
  const disk = faultyDisk();
  const { rig, life } = await started(t, { route: soon, syscalls: disk.syscalls });
  const verdict = gate();
  rig.scanner.gate = verdict.promise;
  disk.fail("mkdir", "ENOSPC", "arriving");
  assert.match((await life.send()).reply, /^452 4\.3\.1 /);
  rig.scanner.gate = Promise.resolve();
  rig.hop.say({ END: { afterMs: 300, say: "250 2.0.0 taken in time" } });
  disk.fail("mkdir", "ENOSPC", "arriving");
  assert.equal((await life.send()).reply, "250 2.0.0 taken in time");
  assert.equal(rig.attempts.length, 1);
  assert.ok(await isEmpty(life));
});

test("what fails while the deadline claims is tried again, not removed", async (t) => {
  const slow = gate();
  const claiming = gate();
  const syscalls: Syscalls = {
    ...nodeSyscalls,
    rename: async (from, to) => {
      if (from.includes("arriving")) {
        claiming.open();
        await slow.promise;
      }
      await nodeSyscalls.rename(from, to);
    },
  };
  const { rig, life } = await started(t, { route: soon, syscalls });
  rig.scanner.gate = claiming.promise;
  rig.scanner.failures.push(new TypeError("a bug"));
  const sending = life.send();
  await claiming.promise;
  setTimeout(() => slow.open(), 50);
  assert.match((await sending).reply, /^250 /);
  await rig.arrive(1);
  await life.settled();
  assert.equal(life.troubles.filter((text) => text.includes("a bug")).length, 1);
});

test("a worker that looked for the octets where they lay before the claim is asked once more", async (t) => {
  const { rig, life } = await started(t, { route: soon });
  const moved = gate();
  rig.scanner.gate = moved.promise;
  rig.scanner.failures.push(new GatewayError("SPOOL_NOT_THERE"));
  const { id } = await life.send();
  moved.open();
  await rig.arrive(1);
  await life.settled();
  assert.deepEqual(rig.scanner.dissected, [id, id]);
  assert.equal(life.events.filter(({ event }) => event === "deferred").length, 0);
});

test("without its line in the journal a claim is undone, and the client keeps the message", async (t) => {
  const disk = faultyDisk();
  const { rig, life } = await started(t, { route: { reply_after: "spool" }, syscalls: disk.syscalls });
  disk.fail("write", "ENOSPC", "journal");
  assert.match((await life.send()).reply, /^452 4\.3\.1 /);
  assert.ok(await isEmpty(life));
  assert.match((await life.send()).reply, /^250 /);
  await rig.arrive(1);
  await life.settled();
  assert.equal(rig.attempts.length, 1);
});

test("a journal that cannot be written does not turn the next hop's 250 into our 4yz", async (t) => {
  const { rig, life } = await started(t);
  await life.journal.close();
  assert.equal((await life.send()).reply, "250 2.0.0 taken");
  assert.equal(rig.taken.length, 1);
  assert.equal(life.troubles.length, 1);
});

test("reply_after: spool answers before anything is judged", async (t) => {
  const { rig, life } = await started(t, { route: { reply_after: "spool" } });
  const verdict = gate();
  rig.scanner.gate = verdict.promise;
  const { reply, id } = await life.send();
  assert.equal(reply, `250 2.0.0 Ok: queued as ${id}`);
  verdict.open();
  await rig.arrive(1);
  await life.settled();
});

test("reply_after: verdict refuses, claims and forwards after the 250", async (t) => {
  const { rig, life } = await started(t, { route: { reply_after: "verdict" } });
  rig.scanner.dispose = (path) => (path.startsWith("evil") ? refusesAll : { kind: "forward", tags: [] });
  assert.equal((await life.send({ to: ["evil@site.test"] })).reply, "550 5.7.1 no");
  rig.hop.say({ END: ["451 4.0.0 not now", "250 2.0.0 taken"] });
  assert.match((await life.send()).reply, /^250 2\.0\.0 Ok: queued/);
  await rig.arrive(1);
  await life.settled();
  assert.equal(rig.attempts.length, 2);
});

test("a held message that its client sends again, not having heard our 250, is held once (R9)", async (t) => {
  const { rig, life } = await started(t);
  const client = new AbortController();
  rig.scanner.dispose = () => {
    client.abort();
    return { kind: "quarantine", reason: "bad" };
  };
  assert.match((await life.send({ gone: client.signal })).reply, /^250 /);
  const again = await life.send();
  assert.match(again.reply, /^250 2\.0\.0 Ok: queued as /);
  assert.equal((await life.held()).length, 1);
  const third = await life.send();
  assert.equal((await life.held()).length, 2, third.reply);
});
