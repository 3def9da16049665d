import assert from "node:assert/strict";
import { test } from "node:test";
import * as web from "../../../../fixtures/make-web.ts";
import { activeMimeExtractor } from "../../../../workers/extractors/active-mime.ts";
import { calendarExtractor } from "../../../../workers/extractors/calendar.ts";
import type { Extractor } from "../../../../workers/extractors/extractor.ts";
import { lnkExtractor } from "../../../../workers/extractors/lnk.ts";
import { markupExtractor } from "../../../../workers/extractors/markup.ts";
import { scriptExtractor } from "../../../../workers/extractors/script.ts";
import { shortcutExtractor } from "../../../../workers/extractors/shortcut.ts";
import { decodeEncodedScripts } from "../../../../workers/formats/script/encoded-script.ts";
import { examiner, findingsOf } from "../../../support/attachment-fixtures.ts";
import { type Collected, collect } from "../../../support/extraction.ts";
import { attachment, generousLimits } from "../../../support/part.ts";

const { examine } = await examiner();
const open = (extractor: Extractor, text: string | Buffer, type: string): Collected =>
  collect(extractor, Buffer.from(text), { types: [type] });
const openPage = (text: string | Buffer): Collected => open(markupExtractor, text, "text/html");
const said = ({ artefacts }: Collected, kind: string): string =>
  artefacts
    .filter((artefact) => artefact.kind === kind)
    .map(({ text }) => text)
    .join("\n");
const payload = web.payload().toString();

for (const [way, make] of Object.entries(web.smuggling))
  test(`a file that a page carries in pieces is put together: ${way}`, () => {
    const { members, odd } = openPage(make());
    assert.ok(
      members.some(({ text }) => text === payload),
      "the archive",
    );
    assert.ok(odd.includes("high html.smuggling"), odd.join());
  });

test("the name under which a script saves its file is that of the member", () => {
  assert.deepEqual(openPage(web.smuggling.base64?.() ?? "").members[0]?.names, ["invoice.zip"]);
});

test("a link that holds its own content is a member with the link's name, and no oddity of the page", () => {
  const { members, odd } = openPage(web.dataLink());
  assert.deepEqual([members, odd], [[{ names: ["invoice.zip"], text: payload }], []]);
});

test("a page in UTF-16 is read like any other", () => {
  const wide = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(web.smuggling.base64?.() ?? "", "utf16le")]);
  assert.ok(openPage(wide).odd.includes("high html.smuggling"));
});

test("scripts are told, also those that were encoded; in the body of a message only these", () => {
  const page = web.page(
    `eval(atob("${Buffer.from("document.location = 'https://login.example/'; // harmless").toString("base64")}"))`,
  );
  assert.match(said(openPage(page), "script"), /eval\(atob[\s\S]*document\.location/);
  const body = collect(markupExtractor, Buffer.from(page), { types: ["text/html"], role: "body" });
  assert.equal(said(body, "script"), "document.location = 'https://login.example/'; // harmless");
  assert.deepEqual(body.odd, ["info html.encoded-script"]);
});

test("ordinary pages have nothing odd, and bodies without scripts and links of that kind are not even opened", () => {
  for (const page of [web.newsletter(), web.exportingPage(), web.logo()]) assert.deepEqual(openPage(page).odd, []);
  assert.deepEqual(openPage(web.savedPage()).odd, ["info html.encoded-script"]);
  assert.deepEqual(openPage(web.savedPage()).members, []);
  const plain = Buffer.from("<html><body><p>Hello, see the data: 1, 2, 3</p></body></html>");
  assert.equal(markupExtractor.wants(attachment(plain, { role: "body", types: ["text/html"] }), plain), false);
});

test("encoded scripts are decoded", () => {
  assert.deepEqual(decodeEncodedScripts("#@~^DgAAAA==\\ko$K6,J"), ['MsgBox "']);
  const got = open(scriptExtractor, "x = 1 #@~^DgAAAA==\\ko$K6,JAAAAAA==^#~@", "application/x-vbe");
  assert.equal(said(got, "script"), 'MsgBox "');
});

test("commands behind -EncodedCommand are decoded, however it is cut short", () => {
  const encoded = web.encodedCommand("Write-Output 'harmless' # powershell");
  for (const flag of ["-enc", "-EncodedCommand", "-e", "/ec"]) {
    const got = open(scriptExtractor, `@echo off\r\npowershell ${flag} ${encoded}\r\n`, "text/x-msdos-batch");
    assert.equal(said(got, "commands"), "Write-Output 'harmless' # powershell");
    assert.deepEqual(got.odd, ["medium script.encoded-script"]);
  }
});

test("a program that a script carries is a member", () => {
  const got = open(scriptExtractor, `Dim s\r\ns = "${web.payload().toString("base64")}"\r\nExecute s`, "text/vbscript");
  assert.deepEqual([got.members.length, got.odd], [1, ["high script.encoded-file"]]);
});

test("a shortcut tells what it starts, and what is behind its end is a member", () => {
  const link = web.shellLink({
    arguments: "/c echo harmless",
    icon: "C:\\Program Files\\word.exe",
    behind: Buffer.from("MZ and more"),
  });
  const got = open(lnkExtractor, link, "application/x-ms-shortcut");
  assert.equal(
    said(got, "commands"),
    "target: %ComSpec%\narguments: /c echo harmless\nicon: C:\\Program Files\\word.exe",
  );
  assert.deepEqual(
    got.members.map(({ text }) => text),
    ["MZ and more"],
  );
  const cmd = web.shellLink({
    target: "C:\\Windows\\System32\\cmd.exe",
    arguments: `/c powershell -enc ${web.encodedCommand("echo harmless")}`,
  });
  const command = open(lnkExtractor, cmd, "application/x-ms-shortcut");
  assert.deepEqual(command.odd, ["high lnk.arguments"]);
  assert.match(said(command, "commands"), /echo harmless$/);
  const far = web.shellLink({ target: "\\\\host.example\\share\\a.exe" });
  assert.deepEqual(open(lnkExtractor, far, "application/x-ms-shortcut").odd, ["high lnk.remote-target"]);
});

test("inline attachments of calendars and cards are members, addresses are told", () => {
  const event = web.invitation(
    web.attach("setup.exe", Buffer.from("MZ harmless")),
    "ATTACH:https://files.example/a.zip",
  );
  const got = open(calendarExtractor, event, "text/calendar");
  assert.deepEqual(got.members, [{ names: ["setup.exe"], text: "MZ harmless" }]);
  assert.equal(said(got, "urls"), "https://meet.example.com/abc-defg-hij\nhttps://files.example/a.zip");
  assert.equal(open(calendarExtractor, web.card(), "text/vcard").members.length, 1);
});

const shortcuts: readonly (readonly [
  name: string,
  text: string,
  urls: string,
  commands: string,
  odd: readonly string[],
])[] = [
  [
    "a.url",
    "[InternetShortcut]\r\nURL=file://host.example/a.exe\r\nIconFile=\\\\host.example\\i.ico\r\n",
    "file://host.example/a.exe\n\\\\host.example\\i.ico",
    "",
    ["high shortcut.remote"],
  ],
  ["a.url", "[InternetShortcut]\r\nURL=https://www.example.com/\r\n", "https://www.example.com/", "", []],
  [
    "a.desktop",
    "[Desktop Entry]\nType=Application\nExec=sh -c 'echo harmless'\n",
    "",
    "sh -c 'echo harmless'",
    ["high shortcut.command"],
  ],
  [
    "a.rdp",
    "full address:s:host.example\r\nremoteapplicationprogram:s:||word\r\n",
    "host.example",
    "||word",
    ["high shortcut.command"],
  ],
  ["a.iqy", "WEB\r\n1\r\nhttps://www.example.com/q\r\n", "https://www.example.com/q", "", []],
  [
    "a.slk",
    'ID;P\r\nC;X1;Y1;K0;EEXEC("cmd /c echo harmless")\r\nE\r\n',
    "",
    'EXEC("cmd /c echo harmless")',
    ["high shortcut.command"],
  ],
  [
    "a.library-ms",
    '<?xml version="1.0"?><libraryDescription><searchConnectorDescription><simpleLocation><url>\\\\host.example\\share</url></simpleLocation></searchConnectorDescription></libraryDescription>',
    "\\\\host.example\\share",
    "",
    ["high shortcut.remote"],
  ],
  [
    "a.search-ms",
    '<?xml version="1.0"?><persistedQuery version="1.0"><query><scope><include path="x"/><location>\\\\host.example\\share</location></scope></query></persistedQuery>',
    "\\\\host.example\\share",
    "",
    ["high shortcut.remote"],
  ],
  [
    "a.settingcontent-ms",
    '<?xml version="1.0"?><PCSettings><SearchableContent><ApplicationInformation><DeepLink>cmd.exe /c echo harmless</DeepLink></ApplicationInformation></SearchableContent></PCSettings>',
    "",
    "cmd.exe /c echo harmless",
    ["high shortcut.command"],
  ],
  [
    "a.webloc",
    '<?xml version="1.0"?><plist version="1.0"><dict><key>URL</key><string>https://www.example.com/</string></dict></plist>',
    "https://www.example.com/",
    "",
    [],
  ],
];
for (const [name, text, urls, commands, odd] of shortcuts)
  test(`${name} is told apart, and what it leads to: ${urls || commands}`, async () => {
    const bytes = Buffer.from(text);
    const { types } = await examine(attachment(bytes, { names: [name] }), bytes, {}, generousLimits);
    const got = open(shortcutExtractor, text, types[0] ?? "");
    assert.deepEqual([said(got, "urls"), said(got, "commands"), got.odd], [urls, commands, odd]);
  });

test("ActiveMime gives the file in it, behind junk too", async () => {
  const inner = Buffer.from("a compound file");
  assert.deepEqual(
    open(activeMimeExtractor, web.activeMime(inner), "application/x-mso").members.map(({ text }) => text),
    ["a compound file"],
  );
  const junk = Buffer.concat([Buffer.from([1, 2, 3, 4, 0, 0, 0, 0, 0, 5]), web.activeMime(inner)]);
  const { members } = await examine(attachment(junk), junk, {}, generousLimits);
  assert.ok(members.some(({ size }) => size === inner.length));
});

test("a web archive with macros is seen through, whatever stands in front of it", async () => {
  for (const junk of ["", "some junk\r\nand more\r\n", "%PDF-1.5\r\n1 0 obj\r\n<<>>\r\nendobj\r\n"]) {
    const bytes = Buffer.from(junk + web.webArchive(web.payload()));
    const report = await examine(attachment(bytes, { names: ["order.doc"] }), bytes, {}, generousLimits);
    assert.ok(
      findingsOf(report).some((finding) => finding.endsWith("high type.executable")),
      `behind "${junk.slice(0, 8)}"`,
    );
  }
});
