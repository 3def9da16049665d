import assert from "node:assert/strict";
import { test } from "node:test";
import { deflatedZeros } from "../../../fixtures/make.ts";
import { flate, onePage, pdfFile } from "../../../fixtures/make-pdf.ts";
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
  assert.ok(process.memoryUsage().rss - before < 200 * mebibyte, "memory");
  return incompleteOf(report);
}

const repeated = (count: number, make: (index: number) => string): string =>
  Array.from({ length: count }, (_, i) => make(i)).join("");

test("a PDF whose filters are nested thousands deep, or blow up again and again", async () => {
  const zeros = flate(flate(Buffer.alloc(40 * mebibyte)));
  const bomb = (filters: string, stream: Buffer) =>
    pdfFile([...onePage(), { dict: `/Type/EmbeddedFile/Filter[${filters}]`, stream }]);
  assert.deepEqual(await explode(bomb("/Fl/Fl", zeros)), ["pdf limit"]);
  assert.deepEqual(await explode(bomb("/AHx".repeat(100_000), Buffer.from("00>"))), ["pdf limit"]);
});

test("a PDF whose objects in streams blow up, refer to each other in circles, or lie in the same place", async () => {
  const packed = (count: number, head: (index: number) => string, first: number, text: string) => ({
    dict: `/Type/ObjStm/N ${count}/First ${first}/Filter/FlateDecode`,
    stream: flate(repeated(count, head).padEnd(first) + text),
  });
  const zeros = { dict: "/Type/ObjStm/N 1/First 4/Filter/FlateDecode", stream: deflatedZeros(300) };
  assert.ok((await explode(pdfFile([...onePage(), zeros]))).includes("pdf limit"));
  const same = packed(100_000, (i) => `9 ${i} `, 800_000, "[".repeat(100_000));
  assert.deepEqual(await explode(pdfFile([...onePage(), same])), ["pdf limit"]);
  const circle = packed(
    1000,
    (i) => `${10 + i} ${i * 20} `,
    20_000,
    repeated(1000, (i) => `<</S ${10 + ((i + 1) % 1000)} 0 R>>`.padEnd(20)),
  );
  assert.deepEqual(await explode(pdfFile([...onePage(), circle])), []);
});

test("a PDF whose pages are their own parents, and thousands of pages that share thousands of drawings", async () => {
  assert.deepEqual(await explode(pdfFile([...onePage(), "<</Type/Page/Parent 5 0 R/Contents[4 0 R 5 0 R]>>"])), []);
  const contents = `[${"4 0 R ".repeat(5000)}]`;
  const pages = Array.from({ length: 5000 }, () => "<</Type/Page/Contents 5 0 R>>");
  assert.deepEqual(await explode(pdfFile([...onePage(), contents, ...pages])), []);
});

test("a PDF of nothing but beginnings", async () => {
  for (const mark of [
    "1 0 obj<<",
    "1 0 obj(",
    "1 0 obj[<<[<<",
    "trailer<<",
    "1 0 obj<</Length 9>>stream\n",
    "obj ",
    "<~",
    "(".repeat(9),
  ])
    await explode(Buffer.concat([Buffer.from("%PDF-1.7\n"), Buffer.alloc(mebibyte, mark)]));
});

test("pages, calendars and scripts of nothing but beginnings", async () => {
  const heads = ["<html><script>", "BEGIN:VCALENDAR\r\n", "<svg ", "@echo off\r\n"];
  const marks = [
    "data:;base64,",
    "'",
    '"a"+',
    "\\\\",
    "[1,",
    "<script ",
    ' onx="',
    "&lt;",
    "%41",
    'ATTACH;A="b"',
    "\r\n ",
    "-enc ",
    "#@~^",
    "1 ",
    '"\\',
    "`",
  ];
  for (const head of heads)
    for (const mark of marks) await explode(Buffer.from(head + mark.repeat(Math.floor(mebibyte / 8 / mark.length))));
});

test("a page whose script is encoded again and again", async () => {
  let text = "<script>eval('harmless')</script>";
  for (let i = 0; i < 30 && text.length < mebibyte; i++)
    text = `<script>eval(atob("${Buffer.from(text).toString("base64")}"))</script>`;
  await explode(Buffer.from(`<html>${text}`));
});
