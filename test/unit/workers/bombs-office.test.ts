import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { zip } from "../../../fixtures/make.ts";
import { biffRecord } from "../../../fixtures/make-biff.ts";
import { compound } from "../../../fixtures/make-ole.ts";
import { vbaStorage } from "../../../fixtures/make-vba.ts";
import type { InspectLimits } from "../../../src/core/job.ts";
import { examiner, incompleteOf } from "../../support/attachment-fixtures.ts";
import { attachment } from "../../support/part.ts";

const mebibyte = 1024 * 1024;
const limits: InspectLimits = {
  members: 2000,
  bytes: 64 * mebibyte,
  memberBytes: 16 * mebibyte,
  depth: 16,
  ratio: 200,
};
const { examine } = await examiner();

/** Examines, and says what stayed incomplete; fails if it took more of the processor, of memory or of octets than the budget grants. */
async function explode(bytes: Buffer): Promise<readonly string[]> {
  const before = process.memoryUsage().rss;
  const used = process.cpuUsage();
  const report = await examine(attachment(bytes), bytes, {}, limits);
  const { user, system } = process.cpuUsage(used);
  assert.ok(user + system < 5_000_000, `${Math.round((user + system) / 1000)} ms`);
  assert.ok(report.spent.bytes <= limits.bytes, `${report.spent.bytes} octets`);
  assert.ok(report.spent.members <= limits.members);
  assert.ok(process.memoryUsage().rss - before < 300 * mebibyte, "memory");
  return incompleteOf(report);
}

/** 4 MiB of a piece again and again. */
const much = (piece: string): string => piece.repeat(Math.ceil((4 * mebibyte) / piece.length));

test("a project whose modules blow up ends as limit", async () => {
  // One chunk of three octets for 4,096.
  const chunk = Buffer.from("03b002410000".slice(0, 10) + "ff0f", "hex");
  const modules = Array.from({ length: 8 }, (_, index) => ({ name: `M${index}`, code: "x" }));
  const [vba, project] = vbaStorage({ modules });
  const body = Buffer.concat([Buffer.alloc(96), Buffer.from([1]), Buffer.alloc(mebibyte / 2, chunk)]);
  const children = (vba?.children ?? []).map((child) => (/^M\d/.test(child.name) ? { ...child, data: body } : child));
  await explode(compound([{ name: "VBA", children }, ...(project ? [project] : [])]));
});

test("an object of a presentation that blows up ends as limit", async () => {
  const packed = deflateSync(Buffer.alloc(60 * mebibyte));
  const head = Buffer.from("10001110", "hex");
  const size = Buffer.alloc(4);
  size.writeUInt32LE(packed.length + 4);
  const object = Buffer.concat([head, size, Buffer.alloc(4), packed]);
  const file = compound([
    { name: "PowerPoint Document", data: Buffer.concat(Array.from({ length: 20 }, () => object)) },
  ]);
  assert.ok((await explode(file)).some((line) => line.endsWith("ole limit")));
});

test("workbooks of nothing but small records, and texts that go on for ever", async () => {
  const records = Buffer.alloc(4 * mebibyte, biffRecord(0x18, Buffer.alloc(15)));
  await explode(compound([{ name: "Workbook", data: records }]));
  const strings = [
    biffRecord(0xfc, Buffer.from("ffffffffffffffffffff00", "hex")),
    Buffer.alloc(4 * mebibyte, biffRecord(0x3c, Buffer.alloc(2))),
  ];
  await explode(compound([{ name: "Workbook", data: Buffer.concat(strings) }]));
});

test("RTF of groups in groups, of data in data, of escapes and of fields", async () => {
  for (const piece of [
    "{",
    "{\\object{\\*\\objdata 01",
    "\\'41",
    "{\\*\\fldinst DDE a",
    "\\u65?",
    "{\\*\\objdata 0105}",
    "\\bin9 ",
    "\\f1 x\\f2 y",
  ])
    await explode(Buffer.from(`{\\rtf1{\\fonttbl{\\f1\\fcharset128 a;}}${much(piece)}`, "latin1"));
});

test("XML of open tags, of fields in fields, of attributes without end", async () => {
  for (const piece of [
    "<w:p ",
    "<a '>",
    '<a b="',
    '<w:fldChar w:fldCharType="begin"/><w:instrText>x</w:instrText>',
    "<w:instrText>x</w:instrText>",
    `<Relationship ${"a".repeat(1000)} `,
    "<![CDATA[",
    "<!--",
    "<w:t>&#65;",
  ])
    await explode(zip([{ name: "word/document.xml", data: `<w:document>${much(piece)}>`, store: true }]));
});

test("flat documents of a hundred thousand parts end as limit", async () => {
  const parts = '<pkg:part pkg:name="/a"><pkg:binaryData>AAAA</pkg:binaryData></pkg:part>'.repeat(100_000);
  assert.ok(
    (await explode(Buffer.from(`<pkg:package xmlns:pkg="x">${parts}</pkg:package>`))).some((line) =>
      line.endsWith("office-flat limit"),
    ),
  );
});
