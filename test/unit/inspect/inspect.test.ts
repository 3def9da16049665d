/** From parts to an inspection: jobs, the cache, the purse, and what was looked at ahead. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { GatewayError, isGatewayError } from "../../../src/core/errors.ts";
import type { Content, InspectJob, InspectLimits, Job, JobResult } from "../../../src/core/job.ts";
import type { Part, Sha256 } from "../../../src/core/message.ts";
import type { Dissection, Finding, Outcome, PartReport } from "../../../src/core/outcome.ts";
import { createInspect } from "../../../src/inspect/inspect.ts";
import { jobId } from "../../../src/inspect/job-id.ts";
import { loneProgram } from "../../../src/inspect/message-inspector.ts";
import { VerdictCache } from "../../../src/inspect/verdict-cache.ts";
import { EmbeddedQueue } from "../../../src/queue/embedded.ts";
import { envelopeOf } from "../../support/spool.ts";
import type { QueueId } from "../../../src/core/message.ts";

const limits: InspectLimits = { members: 10, bytes: 1000, memberBytes: 1000, depth: 4, ratio: 100 };
const envelope = envelopeOf("01M80FV7FB5HGCD94B8B5J9FNN" as QueueId);
const hash = (letter: string): Sha256 => letter.repeat(64) as Sha256;

const part = (path: string, letter: string, names: readonly string[] = []): Part => ({
  path,
  role: path === "0" ? "message" : "attachment",
  sha256: hash(letter),
  size: 10,
  names,
  declaredTypes: [],
  types: [],
  view: { offset: 0, length: 10, encoding: "identity" },
});

const dissectionOf = (...parts: readonly Part[]): Dissection => ({
  parts: [part("0", "0"), ...parts],
  outcomes: [],
  header: { subject: "", from: "", to: "", messageId: "", date: "" },
  sha256: hash("0"),
  size: 100,
});

const report = (made: Partial<PartReport> = {}): PartReport => ({
  types: ["text/plain"],
  members: [],
  outcomes: [{ part: "", inspector: "yara", kind: "clean" }],
  spent: { members: 0, bytes: 0, ms: 0 },
  timings: {},
  versions: {},
  ...made,
});

/** An inspection over a real queue, whose worker is `look`; counts the jobs. */
function rig(
  look: (job: InspectJob) => PartReport,
  versions: { current: string; disabled?: readonly string[] } = { current: "1" },
) {
  const queue = new EmbeddedQueue<Job, JobResult>({ waiting: 100 });
  const jobs: InspectJob[] = [];
  const serving = queue.serve(async (job) => {
    if (job.kind !== "inspect") throw new TypeError("not asked for");
    jobs.push(job);
    return look(job);
  }, 2);
  const inspect = createInspect({
    queue,
    cache: new VerdictCache(100),
    inForce: () => ({
      version: versions.current,
      versions: {},
      used: new Set(["subject"]),
      disabled: versions.disabled ?? [],
    }),
    limits,
    deadlineMs: 1000,
    messageInspectors: [loneProgram],
    parallel: 2,
    externals: () => ({ subject: "s", sender: "a@client.example" }),
  });
  const content: Content = { kind: "bytes", bytes: Buffer.alloc(100) };
  const entry = { envelope, content: () => content };
  return {
    inspect: (dissection: Dissection, ahead = {}) => inspect(entry, dissection, new AbortController().signal, ahead),
    jobs,
    close: () => serving[Symbol.asyncDispose](),
  };
}

const kinds = (outcomes: readonly Outcome[]): readonly string[] =>
  outcomes.map((outcome) => `${outcome.part} ${outcome.kind}`);

test("equal content with equal names is looked at once, in one message and in the next", async () => {
  const { inspect, jobs, close } = rig(() => report());
  const first = await inspect(dissectionOf(part("1", "a", ["x"]), part("2", "a", ["x"]), part("3", "a", ["y"])));
  assert.equal(jobs.length, 3, "the message, a as x, a as y");
  assert.equal(first.cached, 1);
  const second = await inspect(dissectionOf(part("1", "a", ["y"])));
  assert.equal(second.cached, 2);
  assert.equal(jobs.length, 3);
  await close();
});

test("another rule set means other jobs", async () => {
  const versions = { current: "1" };
  const { inspect, jobs, close } = rig(() => report(), versions);
  await inspect(dissectionOf());
  versions.current = "2";
  await inspect(dissectionOf());
  assert.equal(jobs.length, 2);
  await close();
});

test("a job knows only the variables that the rules read (R19)", () => {
  const base = part("1", "a");
  const id = (externals: Readonly<Record<string, string>>): string => jobId(base, "v", limits, externals);
  assert.equal(id({ a: "1", b: "2" }), id({ b: "2", a: "1" }));
  assert.notEqual(id({ a: "1" }), id({ a: "2" }));
  assert.notEqual(jobId(base, "v", limits, {}), jobId(part("1", "a", ["name"]), "v", limits, {}));
  assert.notEqual(jobId(base, "v", limits, {}), jobId(base, "w", limits, {}));
});

test("answers of the moment are not kept: a timeout is tried again with the next message", async () => {
  let slow = true;
  const timeout: Outcome = { part: "", inspector: "yara", kind: "incomplete", why: "timeout", text: "too slow" };
  const { inspect, jobs, close } = rig(() => report(slow ? { outcomes: [timeout] } : {}));
  assert.deepEqual(kinds((await inspect(dissectionOf())).outcomes), ["0 incomplete", "0 clean"]);
  slow = false;
  assert.deepEqual(kinds((await inspect(dissectionOf())).outcomes), ["0 clean", "0 clean"]);
  assert.equal(jobs.length, 2);
  await close();
});

test("over the budget of the message the rest is incomplete: limit, never clean", async () => {
  const { inspect, jobs, close } = rig(() => report({ spent: { members: 6, bytes: 0, ms: 0 } }));
  const { outcomes } = await inspect(dissectionOf(part("1", "a"), part("2", "b"), part("3", "c")));
  assert.equal(jobs.length, 2, "six members, then twelve: over ten");
  assert.deepEqual(kinds(outcomes), ["0 clean", "1 clean", "2 incomplete", "3 incomplete", "0 clean"]);
  await close();
});

test("the time of a message is bounded too: what follows ten deadlines, or jobs that were killed, is incomplete: limit", async () => {
  const killed: Outcome = { part: "", inspector: "sandbox", kind: "incomplete", why: "timeout", text: "too slow" };
  const parts = Array.from({ length: 14 }, (_, i) => part(String(i + 1), i.toString(16)));
  for (const slow of [report({ outcomes: [killed] }), report({ spent: { members: 0, bytes: 0, ms: 1000 } })]) {
    const { inspect, jobs, close } = rig(() => slow);
    const { outcomes } = await inspect(dissectionOf(...parts));
    assert.equal(jobs.length, 11, "ten deadlines of a second, and the part that went over");
    assert.equal(outcomes.filter((one) => one.inspector === "inspect" && one.kind === "incomplete").length, 4);
    await close();
  }
});

test("the cache is bounded in memory: reports on archives of thousands of files push no others out", () => {
  const cache = new VerdictCache(100);
  const members = (count: number): PartReport =>
    report({ members: Array.from({ length: count }, (_, i) => part(`/${i}`, "b", ["a name"])) });
  cache.put("letter", report());
  cache.put("giant", members(10_000));
  assert.equal(cache.get("giant"), null, "looked at again rather than kept");
  for (let i = 0; i < 100; i++) cache.put(`archive ${i}`, members(40));
  assert.ok(cache.size < 30, `${cache.size} archives are kept`);
  assert.ok(cache.get("archive 99"));
  cache.put("archive 99", report());
  for (let i = 0; i < 200; i++) cache.put(`letter ${i}`, report());
  assert.equal(cache.size, 100);
});

test("paths of members and findings become those of the message", async () => {
  const found: Outcome = {
    part: "/1",
    inspector: "type",
    kind: "found",
    findings: [
      { part: "/1", inspector: "type", rule: "type.executable", severity: "high", tags: [], text: "a program" },
    ],
  };
  const member: Part = { ...part("/1", "b"), role: "member", view: null };
  const { inspect, close } = rig((job) =>
    job.part.path === "1" ? report({ members: [member], outcomes: [found] }) : report(),
  );
  const inspection = await inspect(dissectionOf(part("1", "a")));
  assert.deepEqual(
    inspection.parts.map((each) => each.path),
    ["0", "1", "1/1"],
  );
  const lone = inspection.outcomes.find((outcome) => outcome.inspector === "message");
  assert.equal(lone?.kind === "found" && lone.findings[0]?.rule, "message.lone-program");
  assert.equal(lone?.kind === "found" && lone.findings[0]?.part, "1/1");
  await close();
});

test("what was examined ahead needs no job", async () => {
  const { inspect, jobs, close } = rig(() => report());
  const inspection = await inspect(dissectionOf(part("1", "a")), { "0": report({ types: ["message/rfc822"] }) });
  assert.deepEqual(
    jobs.map((job) => job.part.path),
    ["1"],
  );
  assert.deepEqual(inspection.parts[0]?.types, ["message/rfc822"]);
  await close();
});

test("without a scanner the inspection fails as temporary, and nothing counts as clean", async () => {
  const { inspect, close } = rig(() => {
    throw new GatewayError("SCANNER_UNAVAILABLE");
  });
  await assert.rejects(inspect(dissectionOf()), { code: "SCANNER_UNAVAILABLE" });
  await close();
});

test("when one job fails, the others of its message are given up, and no new one is begun", async () => {
  const queue = new EmbeddedQueue<Job, JobResult>({ waiting: 100 });
  const begun: string[] = [];
  const { promise: aborted, resolve: tell } = Promise.withResolvers<unknown>();
  const serving = queue.serve(async (job, signal) => {
    if (job.kind !== "inspect") throw new TypeError("not asked for");
    begun.push(job.part.path);
    if (begun.length > 1) throw new GatewayError("SCANNER_UNAVAILABLE");
    await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))).finally(() =>
      tell(signal.reason),
    );
    return report();
  }, 2);
  const inspect = createInspect({
    queue,
    cache: new VerdictCache(0),
    inForce: () => ({ version: "1", versions: {}, used: new Set<string>(), disabled: [] }),
    limits,
    deadlineMs: 1000,
    messageInspectors: [],
    parallel: 2,
    externals: () => ({}),
  });
  const content: Content = { kind: "bytes", bytes: Buffer.alloc(100) };
  const large = { ...dissectionOf(part("1", "a"), part("2", "b"), part("3", "c")), size: 2 ** 20 };
  const { signal } = new AbortController();
  await assert.rejects(inspect({ envelope, content: () => content }, large, signal), { code: "SCANNER_UNAVAILABLE" });
  assert.ok(isGatewayError(await aborted, "JOB_ABORTED"));
  assert.deepEqual(begun, ["0", "1"]);
  await serving[Symbol.asyncDispose]();
});

test("jobs of a small message go together where workers are elsewhere, with their priority, and parts keep their order", async () => {
  const queue = new EmbeddedQueue<Job, JobResult>({ waiting: 100 });
  const begun: InspectJob[] = [];
  const all = Promise.withResolvers<void>();
  await using _ = queue.serve(async (job) => {
    if (job.kind !== "inspect") throw new TypeError("not asked for");
    begun.push(job);
    if (begun.length === 4) all.resolve();
    await all.promise;
    // The last one is through first.
    for (let turn = 4; turn > Number(job.part.path); turn--) await new Promise(setImmediate);
    return report();
  }, 4);
  const inspect = createInspect({
    queue,
    cache: new VerdictCache(0),
    inForce: () => ({ version: "1", versions: {}, used: new Set<string>(), disabled: [] }),
    limits,
    deadlineMs: 1000,
    messageInspectors: [],
    parallel: 8,
    isFar: true,
    externals: () => ({}),
  });
  const small = dissectionOf(part("1", "a"), part("2", "b"), part("3", "c"));
  const entry = { envelope, content: (): Content => ({ kind: "bytes", bytes: Buffer.alloc(100) }) };
  const { parts, outcomes } = await inspect(entry, small, new AbortController().signal, {}, 5);
  assert.deepEqual(
    begun.map(({ priority }) => priority),
    [5, 5, 5, 5],
  );
  assert.deepEqual(
    [parts.map(({ path }) => path), outcomes.map((one) => one.part)],
    [
      ["0", "1", "2", "3"],
      ["0", "1", "2", "3"],
    ],
  );
});

test("a rule that is disabled is nowhere in the next inspection, also of octets that are known; enabled, it is again", async () => {
  const finding: Finding = {
    part: "",
    inspector: "yara",
    rule: "own.lure",
    severity: "critical",
    tags: [],
    text: "a lure",
  };
  const found: Outcome = { part: "", inspector: "yara", kind: "found", findings: [finding] };
  const versions: { current: string; disabled?: readonly string[] } = { current: "1" };
  const { inspect, jobs, close } = rig(() => report({ outcomes: [found] }), versions);
  const before = await inspect(dissectionOf());
  versions.disabled = ["own.lure"];
  const without = await inspect(dissectionOf());
  const early = await inspect(dissectionOf(), { "0": report({ outcomes: [found] }) });
  versions.disabled = [];
  const again = await inspect(dissectionOf());
  assert.equal(jobs.length, 1);
  assert.match(JSON.stringify(before.outcomes), /own\.lure/);
  assert.doesNotMatch(JSON.stringify([without.outcomes, early.outcomes]), /own\.lure/);
  assert.deepEqual(again.outcomes, before.outcomes);
  assert.equal(again.ruleSet, before.ruleSet);
  assert.notEqual(without.ruleSet, before.ruleSet);
  await close();
});
