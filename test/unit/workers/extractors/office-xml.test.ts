import assert from "node:assert/strict";
import { test } from "node:test";
import { zip } from "../../../../fixtures/make.ts";
import { flatOfficeExtractor } from "../../../../workers/extractors/office-flat.ts";
import { zipExtractor } from "../../../../workers/extractors/zip.ts";
import { type Given, given } from "../../../support/given.ts";

const relationships = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const rels = (...lines: readonly string[]): string =>
  `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${lines.join("")}</Relationships>`;
const external = (kind: string, target: string): string =>
  `<Relationship Id="r1" Type="${relationships}/${kind}" Target="${target}" TargetMode="External"/>`;
const body = (inner: string): string => `<w:document xmlns:w="x"><w:body>${inner}</w:body></w:document>`;
const run = (inner: string): string => `<w:r>${inner}</w:r>`;
const instruction = (text: string): string =>
  run('<w:fldChar w:fldCharType="begin"/>') +
  run(`<w:instrText xml:space="preserve">${text}</w:instrText>`) +
  run('<w:fldChar w:fldCharType="end"/>');

const look = (parts: Readonly<Record<string, string | Buffer>>): Given =>
  given(zipExtractor, zip(Object.entries(parts).map(([name, data]) => ({ name, data }))), {
    types: ["application/zip"],
  });

test("text of all parts is one artefact, in the order of the parts", () => {
  const { text, odd } = look({
    "word/document.xml": body(
      "<w:p><w:r><w:t>見積書 &amp; </w:t></w:r><w:r><w:t>納品書</w:t></w:r></w:p><w:p><w:r><w:t>以上</w:t></w:r></w:p>",
    ),
    "word/footer1.xml": '<w:ftr xmlns:w="x"><w:p><w:r><w:t>1 ページ</w:t></w:r></w:p></w:ftr>',
    "docProps/app.xml": "<Properties><Application>x</Application></Properties>",
  });
  assert.equal(text, "見積書 & 納品書\n以上\n\n1 ページ\n\n");
  assert.deepEqual(odd, []);
});

test("relationships that lead out are told; only what is fetched without a click from elsewhere is odd", () => {
  for (const [kind, target, ...expected] of [
    ["hyperlink", "https://site.example/a"],
    ["attachedTemplate", "file:///C:\\Templates\\Letter.dotx"],
    ["attachedTemplate", "\\\\server\\share\\Letter.dotx"],
    ["attachedTemplate", "https://site.example/Letter.dotx", "medium ooxml.remote-template"],
    ["attachedTemplate", "http://203.0.113.9/x.dotm", "high ooxml.remote-template"],
    ["attachedTemplate", "https://client.example/t.php?x", "high ooxml.remote-template"],
    [
      "oleObject",
      "mhtml:https://client.example/x.html!x-usc:https://client.example/x.html",
      "high ooxml.remote-object",
    ],
    ["oleObject", "file:///\\\\client.example@80\\x", "high ooxml.remote-object"],
    ["image", "https://site.example/logo.png", "info office.remote-picture"],
    ["externalLinkPath", "file:///C:\\table.xlsx"],
  ] as const) {
    const { urls, odd } = look({ "word/_rels/any.rels": rels(external(kind, target)) });
    assert.equal(urls, target);
    assert.deepEqual(odd, expected, target);
  }
});

test("another prefix, numbers for characters, quotes of either kind and UTF-16 hide nothing", () => {
  const hidden = `<?xml version='1.0'?><p:Relationships xmlns:p='x'><p:Relationship TargetMode='&#69;xternal' Target='http&#x3a;//203.0.113.9/a' Type='x/attachedTemplate'/></p:Relationships>`;
  for (const data of [hidden, Buffer.from(`\ufeff${hidden}`, "utf16le"), Buffer.from(`\ufeff${hidden}`)])
    assert.deepEqual(look({ "x.rels": data }).odd, ["high ooxml.remote-template"]);
});

test("fields are put together from their runs", () => {
  const split =
    run('<w:fldChar w:fldCharType="begin"/>') +
    run("<w:instrText>DD</w:instrText>") +
    run('<w:instrText>EAUTO c:\\\\cmd.exe "/k echo harmless"</w:instrText>') +
    run('<w:fldChar w:fldCharType="end"/>');
  const quoted =
    run('<w:fldChar w:fldCharType="begin"/>') +
    instruction(" QUOTE 68 68 69 ") +
    run("<w:instrText> excel x</w:instrText>") +
    run('<w:fldChar w:fldCharType="end"/>');
  for (const [inner, expected] of [
    [split, ["high office.dde"]],
    [quoted, ["medium office.dde"]],
    ['<w:fldSimple w:instr=" DDE cmd a>b "/>', ["high office.dde"]],
    [instruction("PAGE"), []],
    [instruction('INCLUDETEXT "C:\\\\local.docx"'), []],
    [instruction('INCLUDETEXT "https://client.example/a.docx"'), ["medium office.remote-content"]],
  ] as const)
    assert.deepEqual(look({ "word/document.xml": body(`<w:p>${inner}</w:p>`) }).odd, expected, inner);
});

test("formulas of macro sheets are a macro, and so is their start told by another part", () => {
  const sheet =
    '<xm:macrosheet xmlns:xm="x" xmlns="y"><sheetData><row><c r="A1"><f>ALERT("harmless")</f></c><c r="A2"><f>HALT()</f></c></row></sheetData></xm:macrosheet>';
  const book =
    '<workbook><sheets><sheet name="M" state="veryHidden" r:id="rId2"/></sheets><definedNames><definedName name="_xlnm.Auto_Open">M!$A$1</definedName></definedNames></workbook>';
  const { macro, odd } = look({ "xl/workbook.xml": book, "xl/anything.xml": sheet });
  assert.equal(macro, 'A1: =ALERT("harmless")\nA2: =HALT()');
  assert.deepEqual(odd, ["medium xlm.macro", "high xlm.hidden-sheet", "high xlm.auto-open"]);
  assert.deepEqual(look({ "xl/workbook.xml": book }).odd, []);
});

test("links of workbooks, actions of slides, menus and events of documents are told", () => {
  for (const [root, inner, expected] of [
    ["externalLink", '<ddeLink ddeService="cmd" ddeTopic="/c calc"/>', ["high office.dde"]],
    ["sld", '<a:hlinkMouseOver action="ppaction://program"/>', ["medium ooxml.slide-action"]],
    ["sld", '<a:hlinkClick action="ppaction://hlinkshowjump?jump=nextslide"/>', []],
    ["customUI", "", []],
    [
      "document-content",
      '<table:dde-source office:dde-application="soffice" office:dde-topic="x"/>',
      ["medium office.dde"],
    ],
    [
      "document-content",
      '<script:event-listener script:event-name="dom:load" xlink:href="vnd.sun.star.script:Standard.M.Main"/>',
      ["low odf.macro-event"],
    ],
    ["document-content", '<text:a xlink:href="https://site.example/">x</text:a>', []],
  ] as const)
    assert.deepEqual(look({ "x.xml": `<${root}>${inner}</${root}>` }).odd, expected, inner);
  assert.deepEqual(look({ "x.xml": '<customUI onLoad="Start"/>' }).odd, ["low ooxml.interface-macro"]);
});

test("modules of OpenDocument are macros", () => {
  const { macro } = look({
    "Basic/Standard/M.xml":
      '<script:module xmlns:script="x">Sub Main\n MsgBox &quot;harmless&quot;\nEnd Sub</script:module>',
  });
  assert.equal(macro, 'Sub Main\n MsgBox "harmless"\nEnd Sub');
});

test("a flat package gives its parts, and what they say together", () => {
  const flat = `<?xml version="1.0"?><?mso-application progid="Word.Document"?><pkg:package xmlns:pkg="p"><pkg:part pkg:name="/word/_rels/settings.xml.rels"><pkg:xmlData>${rels(external("attachedTemplate", "http://203.0.113.9/a"))}</pkg:xmlData></pkg:part><pkg:part pkg:name="/word/document.xml"><pkg:xmlData>${body("<w:p><w:r><w:t>hello</w:t></w:r></w:p>")}</pkg:xmlData></pkg:part><pkg:part pkg:name="/word/vbaProject.bin"><pkg:binaryData>aGFy\nbWxlc3M=</pkg:binaryData></pkg:part></pkg:package>`;
  const { members, text, odd, closed } = given(flatOfficeExtractor, Buffer.from(flat), {});
  assert.deepEqual(
    members.map(([names]) => names[0]),
    ["/word/_rels/settings.xml.rels", "/word/document.xml", "vbaProject.bin"],
  );
  assert.equal(Buffer.from(members[2]?.[1] ?? "", "hex").toString(), "harmless");
  assert.deepEqual([text.trim(), odd, closed], ["hello", ["high ooxml.remote-template"], []]);
});

test("Word 2003 XML and flat OpenDocument give what they hold in base64", () => {
  const word =
    '<?xml version="1.0"?><w:wordDocument xmlns:w="x"><w:docSuppData><w:binData w:name="editdata.mso">aGFybWxlc3M=</w:binData></w:docSuppData><w:body><w:p><w:r><w:t>hello</w:t></w:r></w:p></w:body></w:wordDocument>';
  const { members, text } = given(flatOfficeExtractor, Buffer.from(word), {});
  assert.deepEqual(members, [[["editdata.mso"], Buffer.from("harmless").toString("hex")]]);
  assert.match(text, /hello/);
  const odf =
    '<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"><office:body><office:binary-data>aGFybWxlc3M=</office:binary-data><text:p>こんにちは</text:p></office:body></office:document>';
  assert.equal(flatOfficeExtractor.wants({ role: "attachment" } as never, Buffer.from(odf)), true);
  assert.equal(given(flatOfficeExtractor, Buffer.from(odf), {}).members.length, 1);
  assert.equal(flatOfficeExtractor.wants({ role: "attachment" } as never, Buffer.from(body("x"))), false);
});

test("a flat document that breaks off is said to, whatever its root is called", () => {
  for (const text of ["<w:wordDocument><w:p>", "<w:(wordDocument", "<pkg:package><pkg:part></pkg:part>"])
    assert.deepEqual(given(flatOfficeExtractor, Buffer.from(text), {}).closed, ["malformed"], text);
});
