/** What is closed is opened by the right word, and says how much was tried otherwise. */
import assert from "node:assert/strict";
import { test } from "node:test";
import iconv from "iconv-lite";
import { eicar, zip } from "../../../fixtures/make.ts";
import { zipAes } from "../../../fixtures/make-sealed.ts";
import type { Password } from "../../../src/core/password.ts";
import { dissect } from "../../../src/dissect/dissect.ts";
import { createKeyring } from "../../../workers/keyring.ts";
import { wordsOf } from "../../../workers/words.ts";
import { examiner, incompleteOf, sampleBytes } from "../../support/attachment-fixtures.ts";
import { fixtureLimits } from "../../support/message-fixtures.ts";
import { attachment, generousLimits } from "../../support/part.ts";

const words = (...texts: string[]): readonly Password[] => texts.map((text) => ({ text, from: "body" }));
const { examine } = await examiner();
const run = (bytes: Buffer, passwords: readonly Password[]) =>
  examine(attachment(bytes), bytes, {}, generousLimits, passwords);

const report = { name: "report.txt", data: "The report. ".repeat(20) };

for (const [name, archive] of [
  ["ZipCrypto", zip([{ ...report, password: "Geheim-7" }])],
  ["ZipCrypto, streamed", zip([{ ...report, password: "Geheim-7", streamed: true }])],
  ["AES-128, AE-1", zipAes([{ ...report, password: "Geheim-7" }], { strength: 1, version: 1 })],
  ["AES-192, AE-2", zipAes([{ ...report, password: "Geheim-7" }], { strength: 2, version: 2 })],
  ["AES-256, AE-2, stored", zipAes([{ ...report, password: "Geheim-7", store: true }], { strength: 3, version: 2 })],
] as const)
  test(`zip with ${name}: the right word opens it, and is not told`, async () => {
    const { members, outcomes } = await run(archive, words("wrong", "other", "Geheim-7"));
    assert.deepEqual(
      members.map(({ names, size, opened }) => [names[0], size, opened]),
      [["report.txt", 240, "body"]],
    );
    const said = JSON.stringify(outcomes);
    assert.match(said, /"password.opened","severity":"info"/);
    assert.ok(!said.includes("Geheim-7") && !said.includes("incomplete"));
  });

test("zip: what stays closed says how many words were tried, its names are there all the same", async () => {
  const { outcomes, members } = await run(zip([{ ...report, password: "right" }]), words("a", "b", "c"));
  const closed = outcomes.find(({ kind }) => kind === "incomplete");
  assert.equal(closed?.kind === "incomplete" && closed.text, "The file is encrypted; none of 3 passwords opens it");
  assert.equal(members[0]?.names[0], "report.txt");
});

test("zip: a Japanese password is tried in the octets of CP932 and of UTF-8", async () => {
  for (const encode of [(text: string) => iconv.encode(text, "cp932"), (text: string) => Buffer.from(text)]) {
    const archive = zip([{ ...report, password: encode("秘密の言葉") }]);
    assert.deepEqual(incompleteOf(await run(archive, words("秘密の言葉"))), []);
  }
});

test("zip: each file may have a password of its own, and what is inside of one is marked too", async () => {
  const inner = zip([{ name: "eicar.com", data: eicar() }]);
  const archive = zip([
    { ...report, password: "first" },
    { name: "inner.zip", data: inner, password: "second" },
  ]);
  const { members, outcomes } = await run(archive, words("second", "first"));
  assert.deepEqual(
    members.map(({ path, opened }) => [path, opened]),
    [
      ["/1", "body"],
      ["/2", "body"],
      ["/2/1", "body"],
    ],
  );
  assert.ok(outcomes.every(({ kind }) => kind !== "incomplete"));
});

for (const sample of ["encrypted.7z", "encrypted-names.7z", "aes.zip"])
  test(`${sample}: opened by its password, closed by others`, async () => {
    const bytes = sampleBytes(`container/${sample}`);
    const { members, outcomes } = await run(bytes, words("nothing", "secret"));
    assert.deepEqual(
      members.map(({ names, opened }) => [names[0], opened]),
      ["eicar.com", "sub/notes.txt", "見積書.txt"].map((name) => [name, "body"]),
    );
    assert.ok(outcomes.every(({ kind }) => kind !== "incomplete"));
    assert.ok(incompleteOf(await run(bytes, words("nothing"))).some((line) => line.endsWith("encrypted")));
  });

test("tries are counted by what they cost, and the rest is said to be untried", () => {
  const keyring = createKeyring(words(...Array.from({ length: 20 }, (_, index) => `${index}`)));
  assert.equal([...keyring.tries(1000)].length, 10);
  assert.match(keyring.closed("It is closed"), /of 20 passwords 10 were tried, more would cost too much/);
  assert.equal([...keyring.tries(1000)].length, 0);
});

const mail = (subject: string, body: string, type = "text/plain; charset=utf-8", more = ""): Buffer =>
  Buffer.from(`Subject: ${subject}\r\nMIME-Version: 1.0\r\nContent-Type: ${type}\r\n${more}\r\n${body}\r\n`);
const firstOf = (message: Buffer, most = 4): readonly string[] =>
  wordsOf(message, dissect(message, fixtureLimits))
    .candidates.slice(0, most)
    .map(({ text }) => text);

for (const [line, password] of [
  ["パスワード：Ab3!xyz9", "Ab3!xyz9"],
  ["解凍パスワードは「Ab3!xyz9」です。", "Ab3!xyz9"],
  ["先ほどお送りしたファイルのパスワードは次のとおりです。\r\n\r\nAb3!xyz9\r\n\r\n以上", "Ab3!xyz9"],
  ["ＰＷ：Ａｂ３！ｘｙｚ９", "Ab3!xyz9"],
  ["PW=Ab3!xyz9", "Ab3!xyz9"],
  ["The password is: Ab3!xyz9", "Ab3!xyz9"],
  ['Use the password "correct horse" to open it', "correct"],
  ["Password\r\n--------\r\nAb3!xyz9", "Ab3!xyz9"],
  ["添付ファイル名：見積書.zip\r\n開封パスワード　：　Ab3!xyz9", "Ab3!xyz9"],
] as const)
  test(`the word is found among the first: ${line.replaceAll("\r\n", " / ")}`, () => {
    const found = firstOf(mail("a file", line), 12);
    assert.ok(found.includes(password), found.join(" | "));
  });

test("words are found in HTML, in ISO-2022-JP, in the subject, and in names of files", () => {
  const html = "<style>p{}</style><p>Password:&nbsp;<b>Ab3!&amp;xyz</b></p>";
  assert.ok(firstOf(mail("x", html, "text/html; charset=utf-8"), 8).includes("Ab3!&xyz"));
  const jis = Buffer.concat([
    Buffer.from("Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=iso-2022-jp\r\n\r\n"),
    Buffer.from("1b2442255125392563213c25491b284220", "hex"),
    Buffer.from(": Ab3!xyz9\r\n"),
  ]);
  assert.ok(firstOf(jis, 8).includes("Ab3!xyz9"));
  assert.ok(firstOf(mail("password: Ab3!xyz9", "x")).includes("Ab3!xyz9"));
  const named = mail("x", "x", 'application/zip; name="report_4711pw.zip"');
  assert.ok(firstOf(named, 64).includes("4711pw"));
});

test("a letter that speaks of no password has no words for others, and no letter has more than 64", () => {
  const words = wordsOf(mail("hello", "See you at ten."), dissect(mail("hello", "See you at ten."), fixtureLimits));
  assert.equal(words.told, false);
  const long = mail("x", `password: ${Array.from({ length: 5000 }, (_, index) => `w${index}`).join(" ")}`);
  assert.ok(wordsOf(long, dissect(long, fixtureLimits)).candidates.length <= 64);
});

for (const sample of ["agile.docx", "standard.docx"])
  test(`${sample}: opened by its password, closed by others`, async () => {
    const bytes = sampleBytes(`container/${sample}`);
    const { members } = await run(bytes, words("nothing", "Geheim-7"));
    assert.deepEqual(
      members.slice(0, 2).map(({ types, opened }) => [types[0]?.split(".").at(-1), opened]),
      [
        ["document", "body"],
        ["text/xml", "body"],
      ],
    );
    assert.deepEqual(incompleteOf(await run(bytes, words("nothing"))), ["office-sealed encrypted"]);
  });

test("a document with the password that Office knows is opened without asking anybody", async () => {
  const { members } = await run(sampleBytes("container/agile-velvet.docx"), []);
  assert.equal(members[0]?.opened, "usual");
});

test("an encrypted document that asks for millions of rounds is not tried", async () => {
  const bytes = sampleBytes("container/agile.docx");
  const at = bytes.indexOf('spinCount="100000"');
  assert.ok(at > 0);
  bytes.write('spinCount="999999"', at);
  const before = process.cpuUsage();
  const report = await run(bytes, words("Geheim-7"));
  assert.deepEqual(incompleteOf(report), ["office-sealed encrypted"]);
  assert.ok(process.cpuUsage(before).user < 3_000_000);
});

test("a PDF is opened by its user's or its owner's password", async () => {
  const bytes = sampleBytes("sealed/pdf-locked");
  for (const password of ["user", "owner"]) {
    const { members, outcomes } = await run(bytes, words("nothing", password));
    assert.ok(members.length > 0 && members.every(({ opened }) => opened === "body"), password);
    assert.ok(outcomes.every((outcome) => outcome.kind !== "incomplete"));
  }
  const { outcomes } = await run(bytes, words("nothing"));
  assert.match(JSON.stringify(outcomes), /"why":"encrypted","text":"The document is encrypted; none of 1 passwords/);
});

test("HTML that never closes what it opens is read in no time", () => {
  for (const piece of ["<script>", "<script", "<", "<style>&#", "「", "password:", "パスワード"]) {
    const message = mail("x", piece.repeat(20_000), "text/html; charset=utf-8");
    const dissection = dissect(message, fixtureLimits);
    const before = process.cpuUsage();
    wordsOf(message, dissection);
    assert.ok(process.cpuUsage(before).user < 1_500_000, piece);
  }
});
