/** What a child answers is believed in its shape only after a look. */
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { ChildGone, type Death } from "../../../workers/child.ts";
import { isAnswer, isReady } from "../../../workers/protocol.ts";
import { unfinishedDissection, unfinishedReport, unfinishedView } from "../../../workers/unfinished.ts";

const content = { kind: "bytes", bytes: Buffer.from("Subject: x\r\n\r\nbody\r\n") } as const;
const job = {
  kind: "dissect",
  id: "1",
  content,
  limits: { parts: 10, depth: 3, headerBytes: 1000 },
  deadlineMs: 1,
} as const;
const gone = (why: Death) => new ChildGone(why, "");
const asSent = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test("a part whose job came to no end is incomplete, and says why", () => {
  for (const [death, why] of [
    ["crashed", "crashed"],
    ["timeout", "timeout"],
    ["memory", "limit"],
  ] as const) {
    const [outcome] = unfinishedReport(gone(death), { name: "1" }).outcomes;
    assert.ok(outcome?.kind === "incomplete" && outcome.why === why && outcome.part === "");
  }
});

test("a message that could not be taken apart is one part, with its true hash and size", async () => {
  const dissection = await unfinishedDissection(job, gone("crashed"));
  const [whole] = dissection.parts;
  assert.equal(whole?.path, "0");
  assert.equal(whole?.sha256, hash("sha256", content.bytes));
  assert.equal(dissection.sha256, whole?.sha256);
  assert.deepEqual(whole?.view, { offset: 0, length: content.bytes.length, encoding: "identity" });
  assert.equal(dissection.outcomes[0]?.kind, "incomplete");
});

test("answers in the right shape are taken, for the kind of job that was asked for", async () => {
  const dissection = asSent({ result: await unfinishedDissection(job, gone("timeout")), health: "well" });
  const report = asSent({ result: unfinishedReport(gone("timeout"), {}), health: "worn" });
  assert.ok(isAnswer(dissection, "dissect"));
  assert.ok(isAnswer(report, "inspect"));
  const view = asSent({ result: unfinishedView(gone("memory")), health: "worn" });
  assert.ok(isAnswer(view, "view"));
  assert.ok(!isAnswer(view, "inspect") && !isAnswer(report, "view"));
  assert.ok(!isAnswer(dissection, "inspect"));
  assert.ok(!isAnswer(report, "dissect"));
});

test("an answer that lacks anything, or has something else in its place, is refused", () => {
  const report = { result: unfinishedReport(gone("timeout"), {}), health: "well" };
  const paths = [["health"], ["result"], ...Object.keys(report.result).map((key) => ["result", key])];
  for (const path of [
    ...paths,
    ["result", "outcomes", "0"],
    ["result", "outcomes", "0", "kind"],
    ["result", "outcomes", "0", "why"],
    ["result", "spent", "bytes"],
  ])
    for (const wrong of [undefined, null, -1, "nonsense", [1], { clean: true }]) {
      const copy = asSent(report) as Record<string, unknown>;
      const last = path.at(-1) ?? "";
      let at = copy;
      for (const key of path.slice(0, -1)) at = at[key] as Record<string, unknown>;
      if (wrong === undefined) delete at[last];
      else at[last] = wrong;
      const harmless =
        typeof wrong === "object" && wrong !== null && !Array.isArray(wrong) && ["timings", "versions"].includes(last);
      const number = wrong === -1 && last === "bytes";
      assert.equal(
        isAnswer(asSent(copy), "inspect"),
        harmless || number,
        `${path.join(".")} = ${JSON.stringify(wrong)}`,
      );
    }
});

test("a view that holds anything but text and numbers is refused", () => {
  const view = {
    fields: [{ name: "Subject", value: "x" }],
    text: "",
    html: "",
    attachments: [{ name: "a", type: "text/plain", size: 1, related: false }],
    cut: [],
    incomplete: null,
  };
  assert.ok(isAnswer({ result: view, health: "worn" }, "view"));
  for (const wrong of [
    { fields: [{ name: "Subject", value: 1 }] },
    { text: null },
    { html: {} },
    { attachments: [{ name: "a", type: "text/plain", size: "1", related: false }] },
    { cut: [1] },
    { incomplete: undefined },
    { incomplete: { why: "tired", text: "" } },
  ])
    assert.ok(!isAnswer({ result: { ...view, ...wrong }, health: "worn" }, "view"), JSON.stringify(wrong));
});

test("no value whatever makes the checks throw", () => {
  fc.assert(
    fc.property(
      fc.jsonValue(),
      fc.constantFrom("dissect" as const, "inspect" as const, "view" as const),
      (value, kind) => {
        assert.equal(typeof isAnswer({ result: value, health: "well" }, kind), "boolean");
        assert.equal(isReady(value), false);
      },
    ),
    { interruptAfterTimeLimit: 1000 },
  );
});
