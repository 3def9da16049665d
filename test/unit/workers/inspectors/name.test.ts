import assert from "node:assert/strict";
import { test } from "node:test";
import type { Part } from "../../../../src/core/message.ts";
import type { Finding } from "../../../../src/core/outcome.ts";
import { nameInspector } from "../../../../workers/inspectors/name.ts";
import { quote, readName } from "../../../../workers/inspectors/read-name.ts";
import { attachment } from "../../../support/part.ts";

async function findings(names: readonly string[], given: Partial<Part> = {}): Promise<readonly Finding[]> {
  const part = attachment(Buffer.alloc(0), { names, ...given });
  const outcome = await nameInspector.inspect(part, Buffer.alloc(0), {});
  return outcome.kind === "found" ? outcome.findings : [];
}

const rules = async (...names: string[]): Promise<readonly string[]> =>
  (await findings(names)).map(({ severity, rule }) => `${severity} ${rule.slice("name.".length)}`);

test("ordinary names are clean", async () => {
  const ordinary = [
    "report.docx",
    "Angebot Nr. 4711 (final).pdf",
    "v1.2 notes.txt",
    "archive.tar.gz",
    "写真 2026年11月.jpg",
    "ＦＡＸ送付状．ｐｄｆ",
    "résumé.pdf",
    "👨‍👩‍👧 family.png",
    "می‌خواهم.pdf",
    "noextension",
    "jquery.min.css",
    "2026.11.22.pdf",
  ];
  for (const name of ordinary) assert.deepEqual(await rules(name), [], name);
});

test("what starts at a double click is high, what holds others medium, what needs an interpreter low", async () => {
  for (const ending of "exe scr com pif cpl msi js jse vbs vbe wsf hta ps1 bat cmd lnk url iqy slk rdp settingcontent-ms library-ms search-ms jar xll chm reg scf appx".split(
    " ",
  ))
    assert.deepEqual(await rules(`x.${ending}`), ["high dangerous-extension"], ending);
  for (const ending of "iso img vhd vhdx one inf dll".split(" "))
    assert.deepEqual(await rules(`x.${ending}`), ["medium dangerous-extension"], ending);
  assert.deepEqual(await rules("x.py"), ["low dangerous-extension"]);
  assert.deepEqual(await rules("X.EXE"), ["high dangerous-extension"]);
});

test("a document's extension in front of one that acts is a double extension, also with blanks between", async () => {
  assert.deepEqual(await rules("invoice.pdf.exe"), ["high dangerous-extension", "high double-extension"]);
  assert.deepEqual(await rules("invoice.pdf .exe"), ["high dangerous-extension", "high double-extension"]);
  assert.deepEqual(await rules("photo.jpg.iso"), ["medium dangerous-extension", "high double-extension"]);
  assert.deepEqual(await rules("invoice.pdf.html"), ["medium double-extension"]);
  assert.deepEqual(await rules("setup.v1.2.exe"), ["high dangerous-extension"]);
  assert.deepEqual(await rules("report.pdf.zip"), []);
});

test("blanks that push the extension out of sight are seen, whatever blank it is", async () => {
  for (const blank of [" ", "\u3000", "\u00a0", "\u2003"])
    assert.ok((await rules(`report${blank.repeat(40)}.exe`)).includes("high padded-extension"), JSON.stringify(blank));
  assert.ok((await rules(`report${"\u2800".repeat(40)}.exe`)).includes("high padded-extension"));
  assert.ok((await rules(`report${"_".repeat(40)}.exe`)).includes("high padded-extension"));
  assert.deepEqual(await rules(`report${" ".repeat(10)}.pdf`), ["low padded-extension"]);
});

test("characters that turn the direction are critical; marks of Hebrew and Arabic are not", async () => {
  for (const control of ["\u202e", "\u202d", "\u2066", "\u2067"])
    assert.ok((await rules(`report${control}fdp.exe`)).includes("critical direction"), String(control.codePointAt(0)));
  assert.deepEqual(await rules("שלום\u200f.pdf"), ["info direction"]);
});

test("invisible characters do not hide an extension", async () => {
  assert.deepEqual(await rules("setup.e\u200bxe"), ["high dangerous-extension", "high invisible"]);
  assert.deepEqual(await rules("setup.exe\u2060"), ["high dangerous-extension", "high invisible"]);
  assert.deepEqual(await rules("no\u00adte.txt"), ["medium invisible"]);
});

test("dots and blanks at the end, which Windows drops, do not hide an extension", async () => {
  assert.deepEqual(await rules("setup.exe. . "), ["high dangerous-extension", "medium trailing"]);
  assert.deepEqual(await rules("report.pdf "), ["info trailing"]);
});

test("full-width letters and dots are folded before the extension is read", async () => {
  assert.deepEqual(await rules("資料．ｅｘｅ"), ["high dangerous-extension", "high full-width"]);
  assert.deepEqual(await rules("資料.ｅｘｅ"), ["high dangerous-extension", "high full-width"]);
});

test("a NUL ends the name for some readers: both names are judged", async () => {
  const found = await rules("setup.exe\0.pdf");
  assert.ok(found.includes("high dangerous-extension"));
  assert.ok(found.includes("high control-character"));
});

test("an alternate stream has two names", async () => {
  assert.ok((await rules("setup.exe:note.txt")).includes("high dangerous-extension"));
  assert.deepEqual(await rules("AW: report.pdf"), []);
});

test("a path is nothing in an archive unless it leads out of it", async () => {
  const member = async (name: string) =>
    (await findings([name], { role: "member" })).map(({ severity, rule }) => `${severity} ${rule}`);
  assert.deepEqual(await member("folder/sub/report.pdf"), []);
  assert.deepEqual(await member("../report.pdf"), ["high name.path"]);
  assert.deepEqual(await member("a\\..\\..\\report.pdf"), ["high name.path"]);
  assert.deepEqual(await member("C:\\start\\report.pdf"), ["medium name.path"]);
  assert.deepEqual(await rules("C:\\Users\\x\\report.pdf"), ["info path"]);
});

test("candidate names of different kinds are a conflict, grave if one of them acts", async () => {
  assert.deepEqual(await rules("report.docx", "report.exe"), ["high dangerous-extension", "high conflict"]);
  assert.deepEqual(await rules("report.docx", "photo.jpg"), ["medium conflict"]);
  assert.deepEqual(await rules("photo.jpeg", "photo.jpg", "photo"), []);
});

test("a class id for an extension, a name that is too long, controls", async () => {
  assert.deepEqual(await rules("note.txt.{3050F4D8-98B5-11CF-BB82-00AA00BDCE0B}"), ["high class-id"]);
  assert.deepEqual(await rules(`${"x".repeat(300)}.pdf`), ["low long"]);
  assert.deepEqual(await rules("re\u0007port.pdf"), ["medium control-character"]);
});

test("the name of an attached message comes from its subject and may end with .com", async () => {
  assert.deepEqual(await findings(["Write to someone@client.com"], { role: "attached-message" }), []);
});

test("an octet 0x5C inside a decoded character is no path separator", () => {
  assert.deepEqual(readName("申込書.exe").components, ["申込書.exe"]);
});

test("what a person could not see is written out, in at most 300 characters", async () => {
  assert.equal(quote("a\u202eb\n\u200b"), '"a\\u{202e}b\\u{a}\\u{200b}"');
  for (const { text } of await findings([`${"\u202e".repeat(2000)}.exe`, `${"x".repeat(5000)}.pdf`]))
    assert.ok(text.length <= 300);
});

test("a name of thousands of blanks does not take long", async () => {
  for (const blank of [" ", "\u2800", "_", ".", ". ", "/"]) {
    const started = performance.now();
    await rules(`report${blank.repeat(20_000)}x.exe`, blank.repeat(20_000));
    assert.ok(performance.now() - started < 500, JSON.stringify(blank));
  }
});
