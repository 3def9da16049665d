import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parsePath } from "../../../src/accept/path.ts";

const mail = (argument: string) => parsePath("MAIL FROM", `MAIL FROM:${argument}`);
const rcpt = (argument: string) => parsePath("RCPT TO", `rcpt to:${argument}`);

test("takes what mail has, and keeps the address as it came", () => {
  for (const address of [
    "a@b.example",
    "A.B+tag=x@B.Example",
    "a..b.@carrier.example",
    `${"x".repeat(100)}@b.example`,
    '"a b"@b.example',
    '"a\\"@>b"@b.example',
    "o'brien/x=y!z%w@b.example",
    "a@[192.0.2.1]",
    "a@[IPv6:2001:db8::1]",
    "a@under_score.example",
    "a@xn--bcher-kva.example",
    "用户@例え.テスト",
    "a@localhost",
  ])
    assert.equal(mail(`<${address}>`)?.address, address);
});

test("refuses what is no path", () => {
  for (const argument of [
    "a@b.example",
    "<a@b.example",
    "a@b.example>",
    "<a@b.example> <c@d.example>",
    "<<a@b.example>>",
    "<a>",
    "<@b.example>",
    "<a@>",
    "<a@b@c.example>",
    "<a,b@c.example>",
    "<a b@c.example>",
    '<"a@b.example>',
    "<a@b..example>",
    "<a@.example>",
    "<a@b.example.>",
    "<a@-b.example>",
    "<a@b.ex ample>",
    "<a@[192.0.2.300]>",
    "<a@[2001:db8::1]>",
    "<a@b.example>SIZE=1",
    "<a@b.example> =1",
    "<a@b.example> SIZE=",
    "<a@b.example> X=a=b",
    `<a@${"b".repeat(64)}.example>`,
    `<${"a".repeat(243)}@b.example>x`,
    `<${"a".repeat(250)}@b.example>`,
    "",
  ])
    assert.equal(mail(argument), null, argument);
});

test("refuses control and invisible characters, and broken UTF-8", () => {
  for (const hidden of ["\0", "\x01", "\t", "\x7f", "\x85", "\u200b", "\u202e", "\u2066", "\ufeff", "\ufffd", "\u00ad"])
    for (const argument of [`<a${hidden}@b.example>`, `<"a${hidden}"@b.example>`, `<a@b${hidden}.example>`])
      assert.equal(mail(argument), null, JSON.stringify(argument));
});

test("the path may have 256 octets with its brackets, and no more", () => {
  const longest = `${"a".repeat(254 - "@b.example".length)}@b.example`;
  assert.equal(mail(`<${longest}>`)?.address, longest);
  assert.equal(mail(`<a${longest}>`), null);
});

test("a source route is left out", () => {
  assert.equal(mail("<@one.example,@two.example:a@b.example>")?.address, "a@b.example");
  assert.equal(rcpt("<@one.example:a@b.example>")?.address, "a@b.example");
  assert.equal(mail("<@one.example:>"), null);
});

test("the null path is for senders, postmaster alone for recipients", () => {
  assert.equal(mail("<>")?.address, "");
  assert.equal(rcpt("<>"), null);
  assert.equal(rcpt("<PostMaster>")?.domain, "");
  assert.equal(mail("<postmaster>"), null);
});

test("a quoted local part is known by what it says", () => {
  assert.equal(rcpt('<"a\\ b"@b.example>')?.localPart, "a b");
  assert.equal(rcpt('<"postmaster"@b.example>')?.localPart, "postmaster");
});

test("parameters are named in upper case, and a double one is noticed", () => {
  const path = mail("<a@b.example>  size=10 SMTPUTF8 Size=11 ");
  assert.deepEqual(
    [...(path?.parameters ?? [])],
    [
      ["SIZE", "11"],
      ["SMTPUTF8", true],
    ],
  );
  assert.equal(path?.duplicate, "SIZE");
});

test("the verb must be the one that is asked for", () => {
  assert.equal(parsePath("MAIL FROM", "RCPT TO:<a@b.example>"), null);
  assert.equal(parsePath("RCPT TO", "RCPT  TO:<a@b.example>"), null);
});

test("any line gives a path or null, in time", () => {
  const part = fc.constantFrom(
    "<",
    ">",
    "@",
    '"',
    "\\",
    " ",
    "a",
    ".",
    ":",
    ",",
    "[",
    "]",
    "=",
    "b.example",
    "é",
    "\0",
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 60 }), (parts) => {
      const path = mail(parts.join(""));
      if (path?.address) assert.ok(parts.join("").includes(path.address));
    }),
    { numRuns: 3000, interruptAfterTimeLimit: 1000 },
  );
  const started = performance.now();
  mail(`<${'"\\'.repeat(900)}`);
  mail(`<@${"a,@".repeat(600)}`);
  assert.ok(performance.now() - started < 200);
});
