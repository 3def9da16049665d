/** Result fields on top of a forwarded message. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Finding } from "../../../src/core/outcome.ts";
import { type Result, topFields } from "../../../src/dispose/fields.ts";
import { siteEnvelope } from "../../support/outgoing.ts";

const finding = (rule: string, part = "1.2/3"): Finding => ({
  part,
  inspector: "yara",
  rule,
  severity: "high",
  tags: [],
  text: "sender's text\r\nX-Forged: yes",
});
const fields = (more: Partial<Result>): string =>
  topFields({ envelope: siteEnvelope, result: "clean", ruleSet: "3f2a9c", tags: [], findings: [], ...more });

test("a clean message gets its result above our trace field", () => {
  assert.equal(
    fields({}),
    `X-Sallyport-Result: clean; id=${siteEnvelope.queueId}; rules=3f2a9c\r\n${siteEnvelope.trace}`,
  );
});

test("tags and findings are listed once each, folded before column 79", () => {
  const text = fields({
    result: "found",
    tags: ["macro", "macro", "observed:quarantine"],
    findings: [finding("office.auto-open"), finding("office.auto-open"), finding("name.double-extension", "1.3")],
  });
  assert.equal(
    text,
    `X-Sallyport-Result: found; id=${siteEnvelope.queueId}; rules=3f2a9c\r\n` +
      "X-Sallyport-Tags: macro, observed_quarantine\r\n" +
      "X-Sallyport-Findings: office.auto-open high 1.2/3,\r\n name.double-extension high 1.3\r\n" +
      siteEnvelope.trace,
  );
});

test("what leaves under another id than it came under names both", () => {
  const trace =
    "Received: from client.test\r\n\tby mx.test with ESMTP id 01K0000000000000000000HELD\r\n\tfor <b@c>; x\r\n";
  const text = fields({ result: "released", envelope: { ...siteEnvelope, trace } }).replaceAll("\r\n ", " ");
  const [result] = text.split("\r\n");
  assert.equal(
    result,
    `X-Sallyport-Result: released; id=${siteEnvelope.queueId}; received=01K0000000000000000000HELD; rules=3f2a9c`,
  );
  assert.doesNotMatch(fields({ envelope: { ...siteEnvelope, trace: "" } }), /received=/);
});

test("a thousand findings are named by their first twenty and their number", () => {
  const text = fields({ findings: Array.from({ length: 1_000 }, (_, i) => finding(`p.r${i}`)) });
  assert.match(text.replaceAll("\r\n ", " "), /p\.r19 high 1\.2\/3, and 980 more\r\n/);
  assert.ok(text.length < 1_500);
});

test("whatever rules, tags and paths hold, no field is forged and no line is long", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary", maxLength: 200 }), { maxLength: 30 }), (texts) => {
      const text = fields({ tags: texts, findings: texts.map((each) => finding(each, each)), ruleSet: texts[0] ?? "" });
      const lines = text.slice(0, -siteEnvelope.trace.length).split("\r\n").slice(0, -1);
      for (const line of lines) {
        assert.match(line, /^(X-Sallyport-(Result|Tags|Findings):)? [ -~]+$/);
        assert.ok(line.length <= 200);
      }
    }),
  );
});
