/** Where a message is cut so that a part is gone, and that nothing else of it changes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { cut, placeholder } from "../../support/stripped.ts";

const lines = (...all: readonly string[]): Buffer => Buffer.from(`${all.join("\r\n")}\r\n`, "latin1");
const evil = ["Content-Type: application/x-evil", "Content-Transfer-Encoding: base64", "", "ZXZpbA=="];
const good = ["Content-Type: text/plain", "", "good"];
const mixed = (...parts: readonly (readonly string[])[]): Buffer =>
  lines(
    "Subject: x",
    "Content-Type: multipart/mixed; boundary=b",
    "",
    ...parts.flatMap((each) => ["--b", ...each]),
    "--b--",
  );

test("a part of a multipart goes with its header; all else stays octet for octet", async () => {
  const { cutting, result } = await cut(mixed(good, evil, good), ["2"]);
  assert.equal(cutting.refusal, "");
  assert.deepEqual(result, mixed(good, placeholder.trimEnd().split("\r\n").concat(""), good));
});

test("a nested part goes, its siblings and its parent stay", async () => {
  const inner = ["Content-Type: multipart/related; boundary=c", "", "--c", ...good, "--c", ...evil, "--c--"];
  const { result, after } = await cut(mixed(good, inner), ["2.2"]);
  assert.ok(!result.includes("ZXZpbA"));
  assert.deepEqual(
    after.map(({ path, declaredTypes }) => `${path} ${declaredTypes.join()}`),
    ["0 message/rfc822", "1 text/plain", "2.1 text/plain", "2.2 text/plain"],
  );
});

test("of an attached message its part goes, or all of it if it is named itself", async () => {
  const attached = [
    "Content-Type: message/rfc822",
    "",
    "Subject: inner",
    "Content-Type: multipart/mixed; boundary=c",
    "",
  ];
  const message = mixed(good, [...attached, "--c", ...good, "--c", ...evil, "--c--"]);
  const one = await cut(message, ["2.2"]);
  assert.ok(one.result.includes("Subject: inner") && !one.result.includes("ZXZpbA"));
  const all = await cut(message, ["2"]);
  assert.ok(!all.result.includes("inner"));
  assert.deepEqual(
    all.after.map(({ path }) => path),
    ["0", "1", "2"],
  );
  const both = await cut(message, ["2.2", "2"]);
  assert.deepEqual(both.result, all.result);
  assert.deepEqual(
    both.cutting.edits.map(({ parts }) => parts.toSorted()),
    [["2", "2.2"]],
  );
});

test("the only part of a message goes with the fields that told what it was, and nothing else of its header", async () => {
  const { result, cutting, after } = await cut(
    lines(
      "From: a@b",
      "MIME-Version: 1.0",
      "content-type: application/x-evil;",
      "\tname=e.exe",
      "Subject: x",
      "Content-Transfer-Encoding : base64",
      "",
      "ZXZpbA==",
    ),
    ["1"],
  );
  assert.equal(result.toString("latin1"), `From: a@b\r\nSubject: x\r\n${placeholder}`);
  assert.deepEqual(
    cutting.edits.map(({ put }) => put),
    ["nothing", "nothing", "body"],
  );
  assert.deepEqual(
    after.map(({ declaredTypes }) => declaredTypes),
    [["message/rfc822"], ["text/plain"]],
  );
});

test("the only part of an attached message goes, its subject stays", async () => {
  const { result } = await cut(mixed(good, ["Content-Type: message/rfc822", "", "Subject: inner", ...evil]), ["2.1"]);
  assert.ok(result.includes("Subject: inner\r\nContent-Type: text/plain\r\n\r\nremoved"));
  assert.ok(!result.includes("ZXZpbA"));
});

test("a file that is uuencoded in a text goes with its text", async () => {
  const text = ["Content-Type: text/plain", "", "see below", "begin 644 evil.exe", "#86)C", "`", "end"];
  const { result } = await cut(mixed(good, text), ["2.uu1"]);
  assert.ok(!result.includes("see below") && !result.includes("begin"));
});

test("what one reading takes for one piece goes as one piece, or the message is left alone", async () => {
  const message = lines(
    "Content-Type: multipart/mixed; boundary=b; boundary=c",
    "",
    "--b",
    ...good,
    "--c",
    ...evil,
    "--b",
    ...good,
    "--c--",
    "--b--",
  );
  const { before } = await cut(message, []);
  for (const { path, role, sha256 } of before) {
    if (role === "message") continue;
    const { cutting, after } = await cut(message, [path]);
    if (cutting.refusal === "") assert.ok(!after.some((part) => part.sha256 === sha256), path);
    else assert.match(cutting.refusal, /cannot be taken out/);
  }
});

test("the preamble of the message itself cannot be taken out", async () => {
  const preamble = "preamble ".repeat(200);
  const message = lines("Content-Type: multipart/mixed; boundary=b", "", preamble, "--b", ...good, "--b--");
  const { cutting } = await cut(message, ["0.preamble"]);
  assert.deepEqual(cutting, {
    edits: [],
    signed: false,
    refusal: "Part 0.preamble cannot be taken out of the message",
  });
});

test("what lies within signed or encrypted mail is said to, what lies beside it is not", async () => {
  const signed = (inner: readonly string[]): readonly string[] => [
    "Content-Type: multipart/signed; boundary=s; protocol=application/pgp-signature",
    "",
    "--s",
    ...inner,
    "--s",
    "Content-Type: application/pgp-signature",
    "",
    "sig",
    "--s--",
  ];
  assert.equal((await cut(mixed(signed(evil)), ["1.1"])).cutting.signed, true);
  assert.equal((await cut(mixed(signed(good), evil), ["2"])).cutting.signed, false);
  const smime = lines("Content-Type: application/pkcs7-mime", "Content-Transfer-Encoding: base64", "", "ZXZpbA==");
  assert.equal((await cut(smime, ["1"])).cutting.signed, true);
});

test("a message that was not taken apart to its end is left alone", async () => {
  const { cutting } = await cut(mixed(...Array.from({ length: 10 }, () => evil)), ["2"], {
    parts: 5,
    depth: 5,
    headerBytes: 1000,
  });
  assert.equal(cutting.refusal, "The message was not taken apart to its end");
});
