/** The tree: paths, roles, readings, and what is said of broken structure. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { Dissection } from "../../../src/core/outcome.ts";
import { decodeView } from "../../../src/dissect/decode.ts";
import { dissect } from "../../../src/dissect/dissect.ts";
import { fixtureLimits, messageFixture } from "../../support/message-fixtures.ts";

const of = (text: string): Dissection => dissect(Buffer.from(text, "latin1"), fixtureLimits);
const fixture = (name: string): Dissection => dissect(messageFixture(name), fixtureLimits);
const paths = ({ parts }: Dissection): readonly string[] => parts.map(({ path }) => path);
const rules = ({ outcomes }: Dissection): readonly string[] =>
  outcomes.flatMap((outcome) => (outcome.kind === "found" ? outcome.findings.map(({ rule }) => rule) : []));
const incomplete = ({ outcomes }: Dissection): readonly string[] =>
  outcomes.flatMap((outcome) => (outcome.kind === "incomplete" ? [`${outcome.part} ${outcome.why}`] : []));

/** What the fixtures carry under the name a.pdf, report.pdf and so on. */
const pdf = "%PDF-1.4\n1 0 obj << /Type /Catalog >> endobj\ntrailer << /Root 1 0 R >>\n%%EOF\n";
const allOctets = Buffer.from(Array.from({ length: 512 }, (_, i) => i & 255));
const sha256 = (octets: string | Buffer): string => createHash("sha256").update(octets).digest("hex");

test("the first part is the whole message", () => {
  const text = "Subject: x\r\n\r\nbody\r\n";
  const { parts, sha256: whole, size } = of(text);
  assert.equal(whole, sha256(text));
  assert.equal(size, text.length);
  assert.deepEqual(parts[0], {
    path: "0",
    role: "message",
    sha256: sha256(text),
    size: text.length,
    names: [],
    declaredTypes: ["message/rfc822"],
    types: [],
    view: { offset: 0, length: text.length, encoding: "identity" },
  });
});

test("no octets at all are a message with an empty body", () => {
  assert.deepEqual(paths(of("")), ["0", "1"]);
  assert.deepEqual(of("").outcomes, []);
});

for (const name of [
  "mixed-pdf",
  "nested-rfc822",
  "iso-2022-jp",
  "raw-shift-jis-name",
  "uuencode-in-text",
  "no-closing-delimiter",
  "no-boundary-parameter",
  "delimiter-with-blanks",
  "boundary-used-twice",
  "outer-ends-inner",
  "conflicting-boundaries",
  "duplicate-type",
  "parts-after-end",
  "odd-delimiter",
  "bare-cr-in-header",
  "line-feeds-only",
])
  test(`finds the document in ${name}`, () => {
    assert.ok(fixture(name).parts.some((part) => part.sha256 === sha256(pdf)));
  });

for (const name of [
  "duplicate-encoding",
  "encoding-list",
  "unknown-encoding",
  "encoding-with-tail",
  "undeclared-base64",
  "lost-fold",
  "base64-junk",
  "base64-joined",
  "base64-unpadded",
  "base64-list-footer",
  "uuencode-declared",
  "uuencode-base64",
])
  test(`decodes the octets of ${name}`, () => {
    assert.ok(fixture(name).parts.some((part) => part.sha256 === sha256(allOctets)));
  });

test("numbers parts as IMAP does, through attached messages", () => {
  assert.deepEqual(paths(fixture("digest")), ["0", "1", "1.1", "2", "2.1", "2.2", "3"]);
  assert.deepEqual(paths(fixture("message-in-message-in-message")), ["0", "1", "1.1", "1.1.1"]);
});

test("an attached message that is encoded is one part, to be opened by others", () => {
  for (const name of ["base64-rfc822", "quoted-printable-rfc822"]) {
    const { parts } = fixture(name);
    assert.deepEqual(
      parts.map(({ role }) => role),
      ["message", "body", "attached-message"],
    );
  }
});

test("a multipart that is encoded is left to the same opener, whose reading finds its parts", () => {
  const message = messageFixture("encoded-multipart");
  const outer = dissect(message, fixtureLimits);
  const view = outer.parts[1]?.view;
  assert.ok(view);
  const inner = dissect(decodeView(message, view), fixtureLimits);
  assert.ok(inner.parts.some((part) => part.sha256 === sha256(pdf)));
});

test("an attached message that claims base64 but stands there plainly is read both ways", () => {
  const { parts, ...rest } = of(
    "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nSubject: plain\r\n\r\ntext\r\n",
  );
  assert.deepEqual(paths({ parts, ...rest }), ["0", "1", "1~2", "1.1"]);
  assert.ok(rules({ parts, ...rest }).includes("dissect.conflicting-encoding"));
});

test("text and HTML are bodies, unless they are attachments by disposition", () => {
  const roles = (field: string) => of(`${field}\r\n\r\nx`).parts[1]?.role;
  assert.equal(roles("X: y"), "body");
  assert.equal(roles("Content-Type: text/html; name=x.html"), "body");
  assert.equal(roles("Content-Type: text/html\r\nContent-Disposition: Attachment; filename=x.html"), "attachment");
  assert.equal(roles("Content-Type: text/calendar"), "attachment");
  assert.equal(roles("Content-Type: nonsense"), "attachment");
});

test("preamble and epilogue are parts if they say anything", () => {
  assert.deepEqual(paths(fixture("preamble-epilogue")), ["0", "0.preamble", "1", "0.epilogue"]);
  assert.deepEqual(paths(fixture("mixed-pdf")), ["0", "1", "2"]);
});

test("ordinary mail leaves no outcome", () => {
  for (const name of [
    "plain-text",
    "mixed-pdf",
    "alternative-related",
    "nested-rfc822",
    "iso-2022-jp",
    "signed",
    "boundary-is-prefix",
  ])
    assert.deepEqual(fixture(name).outcomes, [], name);
});

for (const [name, rule] of [
  ["conflicting-boundaries", "dissect.conflicting-boundary"],
  ["duplicate-encoding", "dissect.conflicting-encoding"],
  ["duplicate-type", "dissect.conflicting-type"],
  ["conflicting-names", "dissect.conflicting-name"],
  ["unknown-encoding", "dissect.unknown-encoding"],
  ["encoded-multipart", "dissect.encoded-multipart"],
  ["parts-after-end", "dissect.parts-after-end"],
  ["odd-delimiter", "dissect.odd-delimiter"],
  ["boundary-not-found", "dissect.broken-multipart"],
  ["no-closing-delimiter", "dissect.unclosed-multipart"],
  ["no-empty-line", "dissect.broken-header"],
] as const)
  test(`reports ${rule}`, () => {
    assert.ok(rules(fixture(name)).includes(rule));
  });

test("readings that give the same octets are one part with the claims of both", () => {
  const part = of(
    "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: a/b; name=x\r\nContent-Type: c/d; name=y\r\n\r\nz\r\n--b--\r\n",
  ).parts[1];
  assert.deepEqual(
    [part?.names, part?.declaredTypes],
    [
      ["x", "y"],
      ["a/b", "c/d"],
    ],
  );
});

test("a boundary with an encoded-word is tried literally and decoded", () => {
  const body = (boundary: string) =>
    `Content-Type: multipart/mixed; boundary="=?us-ascii?Q?b=20c?="\r\n\r\n--${boundary}\r\n\r\nx\r\n--${boundary}--\r\n`;
  assert.deepEqual(paths(of(body("b c"))), ["0", "1"]);
  assert.deepEqual(rules(of(body("b c"))), ["dissect.odd-boundary"]);
  assert.deepEqual(rules(of(body("=?us-ascii?Q?b=20c?="))), []);
});

test("a fragment of a message is incomplete, and a fact that a policy may ask for", () => {
  assert.deepEqual(incomplete(fixture("message-partial")), ["1 unsupported"]);
  assert.ok(rules(fixture("message-partial")).includes("dissect.message-partial"));
  assert.ok(rules(fixture("external-body")).includes("dissect.external-body"));
});

test("an empty header says nothing, a full one is decoded and cut", () => {
  assert.deepEqual(of("\r\nx").header, { subject: "", from: "", to: "", messageId: "", date: "" });
  const { subject, from } = of(
    `Subject: ${"=?utf-8?B?8J+YgA==?= ".repeat(3000)}\r\nFrom: \xe6\x84\x9b@x\r\n\r\n`,
  ).header;
  assert.ok(subject.length <= 1000 && subject.startsWith("😀😀") && subject.isWellFormed());
  assert.equal(from, "愛@x");
});
