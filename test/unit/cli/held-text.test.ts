/** What a person reads of a held message before deciding about it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fit, width, wrap } from "../../../src/cli/output.ts";
import { heldText } from "../../../src/cli/held-text.ts";
import { viewText } from "../../../src/cli/view-text.ts";
import type { Part, QueueId, Sha256 } from "../../../src/core/message.ts";
import type { MessageView } from "../../../src/core/message-view.ts";
import type { Finding, Outcome } from "../../../src/core/outcome.ts";
import type { Held } from "../../../src/review/review.ts";
import { siteEnvelope } from "../../support/outgoing.ts";

const id = "01KAAAAAAAAAAAAAAAAAAAAAAA" as QueueId;
const now = new Date("2026-11-22T12:00:00Z");
const moves = /[^\n\P{Cc}]|[\p{Cf}\p{Zl}\p{Zp}]/u;

const part = (path: string, ...names: readonly string[]): Part => ({
  path,
  role: path.includes("/") ? "member" : "attachment",
  sha256: "0".repeat(64) as Sha256,
  size: 2048,
  names,
  declaredTypes: ["application/zip"],
  types: ["application/zip"],
  view: null,
});
const finding = (rule: string, severity: Finding["severity"], more: Partial<Finding> = {}): Finding => ({
  part: "1/1",
  inspector: "yara",
  rule,
  severity,
  tags: [],
  text: "what the rule describes",
  ...more,
});
const findings = [
  finding("name.double-extension", "low", { inspector: "name" }),
  finding("own.lure", "high", { meta: { author: "A. Analyst", reference: "https://lure.test/" } }),
];
const lurking: Outcome = { part: "1/1", inspector: "yara", kind: "found", findings };

function held(because: readonly Finding[] = findings, more: Partial<Held> = {}): Held {
  const parts = [part("1", "a.zip"), part("1/1", "invoice\u202efdp.exe")];
  const header = { subject: "\x1b[2Jhi", from: "", to: "", messageId: "", date: "" };
  const outcomes: readonly Outcome[] = [
    lurking,
    { part: "1", inspector: "zip", kind: "incomplete", why: "encrypted", text: "a member has a password" },
  ];
  const forwardPaths = ["b@site.test", "c@site.test"].map((address) => ({ address, route: "main" }));
  return {
    id,
    state: "quarantine",
    envelope: { ...siteEnvelope, queueId: id, forwardPaths, arrivedAt: "2026-11-20T11:00:00Z" },
    size: 4096,
    dissection: { parts, outcomes: [], header, sha256: "1".repeat(64) as Sha256, size: 4096 },
    inspection: { parts, outcomes, versions: {}, ruleSet: "1", cached: 0, elapsedMs: 1 },
    verdict: {
      groups: [
        {
          forwardPaths: ["b@site.test", "c@site.test"],
          route: "main",
          disposition: { kind: "quarantine", reason: "Something dangerous was found" },
          because,
          policyLine: "dangerous",
        },
      ],
      summary: "found",
      policyVersion: "p",
      ruleSet: "1",
    },
    review: [],
    ...more,
  };
}
const lines = (text: string): readonly string[] => text.split("\n").map((line) => line.trim());

test("one sentence says why it is held: reason, worst rule, where, the policy's line; and how long", () => {
  const text = heldText(held(), now).replaceAll(/\n {11}/g, " ");
  assert.ok(
    text.includes(
      'Why        Something dangerous was found: own.lure (high) in 1/1 "invoice\\u{202e}fdp.exe", and 1 more finding (line "dangerous" of the policy).',
    ),
    text,
  );
  assert.match(text, /^Message {4}01KA+, 4\.0 KiB, held, arrived 2 d ago \(2026-11-20T11:00:00Z\)$/m);
  const locked = finding("incomplete.encrypted", "medium", { part: "1", inspector: "zip" });
  assert.match(heldText(held([locked]), now), /found: encrypted in 1 "a\.zip" \(line/);
  assert.match(heldText(held([]), now), /Why {8}Something dangerous was found \(line/);
  assert.match(heldText(held([], { verdict: null }), now), /Why {8}It has not been judged yet\./);
});

test("findings come worst first, with what the rule says of itself; then what was not seen", () => {
  const text = lines(heldText(held(), now));
  const from = text.indexOf("Findings");
  assert.deepEqual(text.slice(from + 1, from + 9), [
    'high      own.lure in 1/1 "invoice\\u{202e}fdp.exe"',
    "what the rule describes",
    "rule by A. Analyst, https://lure.test/",
    'low       name.double-extension in 1/1 "invoice\\u{202e}fdp.exe"',
    "what the rule describes",
    "",
    "Not inspected to the end",
    '1 "a.zip": encrypted, by zip: a member has a password',
  ]);
});

test("the commands that are possible now are there to copy, and no others", () => {
  const commands = (one: Held): readonly string[] =>
    lines(heldText(one, now)).filter((line) => line.startsWith("sallyport "));
  assert.deepEqual(
    commands(held()).map((line) => line.split(/ {2,}/)[0]),
    [
      `sallyport quarantine show ${id} --text`,
      `sallyport quarantine release ${id} --reason '…'`,
      `sallyport quarantine discard ${id} --reason '…'`,
      "sallyport rules disable own.lure --reason '…'",
      `sallyport quarantine rescan ${id} --reason '…'`,
    ],
  );
  const released = { at: "2026-11-21T00:00:00Z", by: "operator", what: "released", why: "asked" } as const;
  const half = commands(held(findings, { review: [{ ...released, forwardPaths: ["b@site.test"] }] }));
  assert.match(half[1] ?? "", /release .* send it on to c@site\.test$/);
  assert.ok(!half.some((line) => line.includes("rescan")));
  const whole = commands(held(findings, { review: [{ ...released, forwardPaths: ["b@site.test", "c@site.test"] }] }));
  assert.deepEqual(
    whole.map((line) => line.split(" ")[2]),
    ["show", "discard"],
  );
  assert.equal(commands(held(findings, { state: "deferred" })).length, 1);
});

test("nothing of the sender's reaches the terminal, and lines of ours have at most 120 columns", () => {
  const wordy = finding("own.lure", "high", { text: "word ".repeat(59), meta: { author: "name ".repeat(40) } });
  const text = [held([wordy], { inspection: null }), held([wordy])].map((one) => heldText(one, now)).join("\n");
  assert.doesNotMatch(text, moves);
  for (const line of text.split("\n")) assert.ok(width(line) <= 120, line);
});

test("text is cut to columns and wrapped at blanks, wide letters counted as two", () => {
  assert.equal(fit("abcdef", 6), "abcdef");
  assert.equal(fit("abcdefg", 6), "abcde…");
  assert.equal(fit("請求書請求書", 6), "請求…");
  assert.deepEqual(wrap("", 2), ["  "]);
  assert.deepEqual(wrap(`${"x".repeat(200)} y`, 0), ["x".repeat(200), "y"]);
});

const view: MessageView = {
  fields: [
    { name: "Received", value: "from a" },
    { name: "SUBJECT", value: "\u202ecod\nAttachments" },
  ],
  text: "Hello\tyou\r\n\r\nAttachments\n\x1b[2J",
  html: "Hello you",
  attachments: [{ name: "a\x07.zip", type: "application/zip", size: 10, related: false }],
  cut: ["text: the first 5 of 9 characters"],
  incomplete: { why: "limit", text: "mailparser: \x1bMax" },
};

test("what the sender wrote stands behind a bar, so that it cannot pose as words of ours", () => {
  assert.deepEqual(lines(viewText(id, view, { text: true, all: false })), [
    `Message ${id} as a mail program reads it; behind the bars all is the sender's.`,
    "",
    "Header",
    "| SUBJECT: \\u{202e}cod\\u{a}Attachments",
    "",
    "Text",
    "| Hello    you",
    "|",
    "| Attachments",
    "| \\u{1b}[2J",
    "",
    "HTML, reduced to text",
    "| Hello you",
    "",
    "Attachments",
    '| "a\\u0007.zip", application/zip, 10 B',
    "",
    "Left out",
    "text: the first 5 of 9 characters",
    "",
    "Not read to its end (limit): mailparser: \\u{1b}Max. What stands above is all that was seen.",
  ]);
});

test("headers are shown alone and whole; HTML that repeats the text is not", () => {
  const whole = { ...view, html: " Hello you  Attachments \x1b[2J", cut: [], incomplete: null };
  assert.deepEqual(lines(viewText(id, whole, { text: false, all: true })).slice(2), [
    "Header",
    "| Received: from a",
    "| SUBJECT: \\u{202e}cod\\u{a}Attachments",
  ]);
  assert.ok(!viewText(id, whole, { text: true, all: false }).includes("HTML"));
});
