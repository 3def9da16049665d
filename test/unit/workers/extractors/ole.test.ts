import assert from "node:assert/strict";
import { test } from "node:test";
import { peStub } from "../../../../fixtures/make.ts";
import { equation, ole10Native, urlLink, wordStreams } from "../../../../fixtures/make-objects.ts";
import { compound, type OleNode } from "../../../../fixtures/make-ole.ts";
import { vbaStorage } from "../../../../fixtures/make-vba.ts";
import { oleExtractor } from "../../../../workers/extractors/ole.ts";
import { type Given, given } from "../../../support/given.ts";

const word = "0609020000000000c000000000000046";
const look = (nodes: readonly OleNode[], types = ["application/msword"]): Given =>
  given(oleExtractor, compound(nodes, { classId: word }), { types });

test("macros come as one text, module by module", () => {
  const { macro } = look([
    {
      name: "Macros",
      children: vbaStorage({
        modules: [
          { name: "ThisDocument", code: "Sub AutoOpen()\r\nHello\r\nEnd Sub\r\n" },
          { name: "Module1", code: 'Sub Hello()\r\nMsgBox "harmless"\r\nEnd Sub\r\n' },
        ],
      }),
    },
  ]);
  assert.match(macro, /^' ThisDocument\r\nAttribute VB_Name = "ThisDocument"\r\nSub AutoOpen\(\)/);
  assert.match(macro, /' Module1\r\nAttribute VB_Name = "Module1"\r\nSub Hello\(\)\r\nMsgBox "harmless"/);
});

test("macros without source are odd, and so is source that says less than what is compiled", () => {
  const modules = [{ name: "Module1", code: "Sub A()\r\nEnd Sub\r\n" }];
  const gone = modules.map((module) => ({ ...module, stomped: true }));
  assert.deepEqual(look([{ name: "Macros", children: vbaStorage({ modules: gone }) }]).odd, ["high vba.stomped"]);
  const shape = { modules, identifiers: ["Shell"] };
  assert.deepEqual(look([{ name: "Macros", children: vbaStorage(shape) }]).odd, ["medium vba.stomped"]);
});

test("a packaged file is a member under each of its names, wherever it lies", () => {
  const { members, odd } = look([
    {
      name: "ObjectPool",
      children: [
        {
          name: "_1",
          children: [{ name: "\x01Ole10Native", data: ole10Native("入力.exe".replace("入力", "run"), peStub()) }],
        },
      ],
    },
  ]);
  assert.deepEqual(members, [[["run.exe"], peStub().toString("hex")]]);
  assert.deepEqual(odd, ["info ole.packaged-file"]);
});

test("streams that hold whole files are members, others are not", () => {
  const { members } = look([
    { name: "Package", data: "PK\x03\x04 something" },
    { name: "CONTENTS", data: "%PDF-1.4" },
    { name: "Data", data: peStub() },
    { name: "1Table", data: Buffer.alloc(100, 7) },
  ]);
  assert.deepEqual(
    members.map(([names]) => names[0]),
    ["Package", "CONTENTS", "Data"],
  );
});

test("a link to an address is told, and odd if it goes elsewhere", () => {
  const { urls, odd } = look([
    { name: "x", children: [{ name: "\x01Ole", data: urlLink("http://client.example/a.hta") }] },
  ]);
  assert.equal(urls, "http://client.example/a.hta");
  assert.deepEqual(odd, ["high ole.remote-link"]);
  const local = look([{ name: "x", children: [{ name: "\x01Ole", data: urlLink("C:\\table.xls") }] }]);
  assert.deepEqual([local.urls, local.odd], ["C:\\table.xls", []]);
});

test("an equation is a member; one that overruns its editor is odd", () => {
  const plain = look([{ name: "Equation Native", data: equation("Times New Roman") }]);
  assert.deepEqual([plain.members.length, plain.odd], [1, ["info ole.equation-object"]]);
  const long = look([{ name: "Equation Native", data: equation("harmless".repeat(8)) }]);
  assert.deepEqual(long.odd, ["high ole.equation-exploit"]);
});

test("the text of a Word document is read in pieces, its fields become commands and addresses", () => {
  const { document, table } = wordStreams(
    'お世話になっております。\x13 HYPERLINK "http://site.example/" \x14ここ\x15をご覧ください。\x13DDEAUTO c:\\\\windows\\\\system32\\\\cmd.exe "/k echo harmless"\x14\x15\r',
  );
  const { text, urls, commands, odd } = look([
    { name: "WordDocument", data: document },
    { name: "1Table", data: table },
  ]);
  assert.equal(text, "お世話になっております。ここをご覧ください。\n");
  assert.equal(urls, "http://site.example/");
  assert.match(commands, /^DDEAUTO .*cmd\.exe/);
  assert.deepEqual(odd, ["high office.dde"]);
});

test("characters given as numbers within a field are read", () => {
  const { document, table } = wordStreams("\x13\x13 QUOTE 68 68 69 65 85 84 79 \x14\x15 excel sheet\x14\x15");
  const { commands, odd } = look([
    { name: "WordDocument", data: document },
    { name: "1Table", data: table },
  ]);
  assert.equal(commands, "DDEAUTO excel sheet");
  assert.deepEqual(odd, ["medium office.dde"]);
});

test("installers and Outlook items are left to others, a damaged file is said to be one", () => {
  const bytes = compound([]);
  assert.equal(oleExtractor.wants({ types: ["application/x-msi"], role: "attachment" } as never, bytes), false);
  const file = compound([{ name: "Package", data: Buffer.concat([Buffer.from("PK\x03\x04"), Buffer.alloc(9000)]) }], {
    scattered: true,
  });
  file.writeUInt32LE(0xfffffffe, file.length - 512 + 17 * 4);
  assert.deepEqual(given(oleExtractor, file, { types: ["application/x-ole-storage"] }).closed, ["malformed"]);
});
