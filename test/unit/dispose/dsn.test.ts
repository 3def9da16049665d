/** Delivery status notifications, read back with a parser that is not ours. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type SimpleParserOptions, simpleParser } from "mailparser";
import { reply } from "../../../src/core/status.ts";
import { type DsnFacts, type Failed, makeDsn } from "../../../src/dispose/dsn.ts";
import { siteEnvelope } from "../../support/outgoing.ts";

const original = "Received: x\r\nSubject: secret plans\r\nMessage-ID: <1@client.test>\r\n\r\nThe body stays here.\r\n";
const failed: Failed = {
  forwardPath: "b@site.test",
  reply: reply(5, 50, "1.1", "no such user"),
  hop: "mx.site.test:25",
};
const facts = (more: Partial<DsnFacts> = {}): DsnFacts => ({
  envelope: siteEnvelope,
  failed: [failed],
  original: Buffer.from(original),
  hostname: "gate.test",
  from: "postmaster@gate.test",
  now: new Date("2026-11-22T04:05:06Z"),
  ...more,
});

const options: SimpleParserOptions & { readonly keepDeliveryStatus: true } = { keepDeliveryStatus: true };

async function read(more: Partial<DsnFacts> = {}) {
  const dsn = makeDsn(facts(more));
  assert.ok(dsn);
  const mail = await simpleParser(dsn.octets, options);
  const part = (type: string): string =>
    mail.attachments.find((attachment) => attachment.contentType === type)?.content.toString() ?? "";
  return {
    dsn,
    mail,
    text: dsn.octets.toString(),
    status: part("message/delivery-status"),
    header: part("text/rfc822-headers"),
  };
}

test("the notification goes to the reverse-path and says what RFC 3464 asks for", async () => {
  const { dsn, mail, status, header, text } = await read();
  assert.deepEqual([dsn.forwardPath, dsn.smtpUtf8], ["a@client.test", false]);
  assert.match(text, /^Content-Type: multipart\/report; report-type=delivery-status;\r\n boundary=/m);
  assert.match(text, /^Auto-Submitted: auto-replied\r$/m);
  assert.equal(mail.date?.toISOString(), "2026-11-22T04:05:06.000Z");
  assert.match(mail.text ?? "", /<b@site\.test>\s+550 5\.1\.1 no such user/);
  const groups = status.replaceAll("\r", "").split("\n\n");
  assert.match(
    groups[0] ?? "",
    /^Reporting-MTA: dns; gate\.test\n[^]*^Arrival-Date: Sun, 22 Nov 2026 01:02:03 \+0000$/m,
  );
  assert.equal(
    (groups[1] ?? "").trim(),
    [
      "Final-Recipient: rfc822; b@site.test",
      "Action: failed",
      "Status: 5.1.1",
      "Remote-MTA: dns; mx.site.test",
      "Diagnostic-Code: smtp; 550 5.1.1 no such user",
      "Last-Attempt-Date: Sun, 22 Nov 2026 04:05:06 +0000",
    ].join("\n"),
  );
  assert.equal(
    header.replaceAll("\r\n", "\n").trim(),
    "Received: x\nSubject: secret plans\nMessage-ID: <1@client.test>",
  );
});

test("the body of the original is not sent back", async () => {
  const { text } = await read();
  assert.ok(!text.includes("The body stays here"));
});

test("a message with the null reverse-path is never answered", () => {
  assert.equal(makeDsn(facts({ envelope: { ...siteEnvelope, reversePath: "" } })), null);
});

test("each failed forward-path has its group; after the time is up the last 4yz is the status", async () => {
  const late: Failed = {
    forwardPath: "c@site.test",
    reply: reply(4, 51, "4.1", "The next hop cannot be reached"),
    hop: "",
  };
  const { status, mail } = await read({ failed: [failed, late] });
  assert.match(
    status,
    /Final-Recipient: rfc822; c@site\.test\r?\nAction: failed\r?\nStatus: 4\.4\.1\r?\nDiagnostic-Code: smtp; 451 4\.4\.1 /,
  );
  assert.match(mail.text ?? "", /tried until its time was up; last reply: 451 4\.4\.1/);
});

test("internationalized addresses fit into seven bits, only the envelope of the notification needs SMTPUTF8", async () => {
  const path = "識別+x@site.test";
  const { status } = await read({ failed: [{ ...failed, forwardPath: path }] });
  assert.match(status, /^Final-Recipient: utf-8; \\x\{8B58\}\\x\{5225\}\\x\{2B\}x@site\.test\r?$/m);
  const { dsn } = await read({ envelope: { ...siteEnvelope, reversePath: "ü@client.test" } });
  assert.equal(dsn.smtpUtf8, true);
});

test("a header with raw 8-bit text or endless lines travels as base64 and comes out as it was", async () => {
  for (const odd of ["Subject: \xe9\xff", `Subject: ${"x".repeat(2_000)}`, "--=_01KAAAAAAAAAAAAAAAAAAAAAAA--"]) {
    const octets = Buffer.from(`${odd}\r\nTo: b\r\n\r\nbody`, "latin1");
    const { dsn, text } = await read({ original: octets });
    assert.match(text, /^[\r\n -~]*$/);
    assert.ok(text.split("\r\n").every((line) => line.length <= 998));
    const encoded = /text\/rfc822-headers\r\nContent-Transfer-Encoding: base64\r\n\r\n([^]*?)\r\n--=_/.exec(
      dsn.octets.toString(),
    )?.[1];
    assert.deepEqual(Buffer.from(encoded ?? "", "base64"), octets.subarray(0, -6));
  }
});

test("a header without end is cut at a line", async () => {
  const { dsn, header } = await read({ original: Buffer.from("X-Line: 12345678901234567890\r\n".repeat(100_000)) });
  assert.ok(dsn.octets.length < 70_000);
  assert.match(header, /^(X-Line: \d{20}\r?\n)+$/);
});

test("no octets of the original, no reply and no address can add a field or end a part", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.string({ unit: "binary", maxLength: 60 }), (octets, odd) => {
      const dsn = makeDsn(
        facts({ original: octets, failed: [{ ...failed, forwardPath: odd, hop: odd }], hostname: "gate.test" }),
      );
      const text = dsn?.octets.toString() ?? "";
      assert.equal(text.split(/^--=_01KAAAAAAAAAAAAAAAAAAAAAAA/m).length, 5);
      assert.equal(text.match(/^(Final-Recipient|Action|Remote-MTA): /gm)?.length, odd === "" ? 2 : 3);
    }),
  );
});
