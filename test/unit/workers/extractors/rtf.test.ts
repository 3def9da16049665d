import assert from "node:assert/strict";
import { test } from "node:test";
import { peStub } from "../../../../fixtures/make.ts";
import { equation, oldObject, packaged } from "../../../../fixtures/make-objects.ts";
import { compound } from "../../../../fixtures/make-ole.ts";
import { rtfExtractor } from "../../../../workers/extractors/rtf.ts";
import { type Given, given } from "../../../support/given.ts";

const look = (rtf: string | Buffer): Given =>
  given(rtfExtractor, typeof rtf === "string" ? Buffer.from(rtf, "latin1") : rtf, { types: ["application/rtf"] });

const program = peStub();
const hex = oldObject("Package", packaged("run.exe", program)).toString("hex");
const wrapped = hex.replaceAll(/(.{64})/g, "$1\r\n");
const object = (data: string, more = ""): string =>
  `{\\rtf1\\ansi{\\object\\objemb${more}{\\*\\objclass Package}{\\*\\objdata ${data}}}}`;
const expected = [[["run.exe"], program.toString("hex")]];

test("a packaged file comes out, as programs write it", () => {
  const { members, odd, closed } = look(object(wrapped));
  assert.deepEqual(members, expected);
  assert.deepEqual([odd, closed], [["info ole.packaged-file"], []]);
});

test("however the digits are hidden, the same file comes out, and the hiding is odd", () => {
  const half = hex.length / 2;
  for (const data of [
    `${hex.slice(0, 10)}{\\*\\garbage 4142}${hex.slice(10)}`,
    `${hex.slice(0, 10)}{\\unknown}${hex.slice(10)}`,
    `${hex.slice(0, 10)}\\junk ${hex.slice(10)}`,
    `${hex.slice(0, 10)}\\'41${hex.slice(10)}`,
    `{${hex}}`,
    `{{{${hex.slice(0, half)}}}}${hex.slice(half)}`,
    [...hex].join("\\x "),
    hex.replaceAll(/(..)/g, "$1 ~ "),
  ]) {
    const { members, odd } = look(object(data));
    assert.ok(
      members.some(([names, content]) => names[0] === "run.exe" && content === program.toString("hex")),
      data.slice(0, 60),
    );
    assert.ok(odd.includes("high rtf.obfuscated-object"), data.slice(0, 60));
  }
});

test("binary runs and broken headers hide nothing", () => {
  const raw = oldObject("Package", packaged("run.exe", program));
  const binary = Buffer.concat([
    Buffer.from(`{\\rt{\\object\\objemb{\\*\\objdata\\bin${raw.length} `),
    raw,
    Buffer.from("}}}"),
  ]);
  const { members, odd } = look(binary);
  assert.deepEqual(members, expected);
  assert.ok(odd.includes("high rtf.obfuscated-object"));
});

test("an embedded compound file is a member, also when its object is damaged", () => {
  const file = compound([{ name: "Equation Native", data: equation("Symbol") }]);
  const whole = look(object(oldObject("Equation.3", file).toString("hex")));
  assert.equal(whole.members[0]?.[1], file.toString("hex"));
  assert.ok(whole.odd.includes("medium ole.equation-object"));
  const damaged = look(object(`0105ff${file.toString("hex")}`));
  assert.equal(damaged.members[0]?.[1], file.toString("hex"));
  const shifted = look(object(`0105f${file.toString("hex")}`));
  assert.equal(shifted.members[0]?.[1].slice(0, 2000), file.toString("hex").slice(0, 2000));
});

test("objects that update themselves, links and templates are odd where they act or lead elsewhere", () => {
  assert.ok(look(object(wrapped, "\\objupdate")).odd.includes("high rtf.auto-update"));
  for (const [template, ...odd] of [
    ["http://client.example/t.dotm", "high rtf.remote-template"],
    ["C:\\\\Templates\\\\Letter.dot"],
  ] as const)
    assert.deepEqual(look(`{\\rtf1{\\*\\template ${template}}text}`).odd, odd);
});

test("text is read in the charsets of its fonts, with characters of Unicode", () => {
  const { text } = look(
    "{\\rtf1\\ansi\\ansicpg1252{\\fonttbl{\\f0\\fcharset0 Arial;}{\\f1\\fcharset128 MS;}}\\f1 \\'90\\'5c\\'8d\\'9e\\'8f\\'91\\par\\f0\\uc2 \\u26085\\'93\\'fa\\u26412\\'96\\'7b caf\\'e9}",
  );
  assert.equal(text, "申込書\n日本 café");
});

test("fields become commands and addresses", () => {
  const field = (inner: string): string => `{\\rtf1 before {\\field{\\*\\fldinst {${inner}}}{\\fldrslt shown}} after}`;
  const dde = look(field('DDEAUTO c:\\\\\\\\cmd.exe "/k echo harmless"'));
  assert.match(dde.commands, /^DDEAUTO .*cmd\.exe/);
  assert.deepEqual(dde.odd, ["high office.dde"]);
  const link = look(field('HYPERLINK "https://site.example/"'));
  assert.deepEqual([link.urls, link.text, link.odd], ["https://site.example/", "before shown after", []]);
});

test("a document that breaks off within an object is said to", () => {
  assert.deepEqual(look(object(wrapped).slice(0, 400)).closed, ["malformed"]);
  assert.deepEqual(look("{\\rtf1 text").closed, []);
});
