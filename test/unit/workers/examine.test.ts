import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { peStub, zip } from "../../../fixtures/make.ts";
import type { PartReport } from "../../../src/core/outcome.ts";
import { createExaminer } from "../../../workers/examine.ts";
import type { Extractor } from "../../../workers/extractors/extractor.ts";
import type { Inspector } from "../../../workers/inspectors/inspector.ts";
import {
  examiner,
  findingsOf,
  goldenOf,
  incompleteOf,
  type Golden,
  sampleBytes,
  sampleFile,
  sampleNames,
} from "../../support/attachment-fixtures.ts";
import { attachment, generousLimits } from "../../support/part.ts";

const { examine, versions } = await examiner();
const run = (bytes: Buffer, names: readonly string[] = [], limits = generousLimits): Promise<PartReport> =>
  examine(attachment(bytes, { names }), bytes, {}, limits);

for (const at of sampleNames())
  test(`${at} is examined as its golden file says`, async () => {
    const golden = JSON.parse(readFileSync(`${sampleFile(at)}.outcome.json`, "utf8")) as Golden;
    assert.deepEqual(await goldenOf(sampleBytes(at), golden.given), golden);
  });

test("no clean sample has a finding above info, nor stays incomplete", () => {
  const clean = sampleNames().filter((at) => at.startsWith("clean/"));
  assert.ok(clean.length >= 30);
  for (const at of clean) {
    const { findings, incomplete } = JSON.parse(readFileSync(`${sampleFile(at)}.outcome.json`, "utf8")) as Golden;
    assert.deepEqual([findings.filter((finding) => !finding.includes("info ")), incomplete], [[], []], at);
  }
});

test("every other sample has a finding or stays incomplete", () => {
  for (const at of sampleNames().filter(
    (one) => !/^(?:clean|container)\/|pdf-behind-junk|rtf-short-header/.test(one),
  )) {
    const { findings, incomplete } = JSON.parse(readFileSync(`${sampleFile(at)}.outcome.json`, "utf8")) as Golden;
    assert.ok(findings.length + incomplete.length > 0, at);
  }
});

test("paths count from the part: its own is empty, members have numbers, nested ones more of them", async () => {
  const inner = zip([
    { name: "a.txt", data: "x" },
    { name: "b.exe", data: peStub() },
  ]);
  const { members, outcomes } = await run(
    zip([
      { name: "first.txt", data: "y" },
      { name: "inner.zip", data: inner },
    ]),
  );
  assert.deepEqual(
    members.map(({ path, role, view }) => [path, role, view]),
    [
      ["/1", "member", null],
      ["/2", "member", null],
      ["/2/1", "member", null],
      ["/2/2", "member", null],
    ],
  );
  assert.ok(outcomes.some(({ part, inspector, kind }) => part === "" && inspector === "zip" && kind === "clean"));
  assert.ok(outcomes.some(({ part, inspector, kind }) => part === "/2/2" && inspector === "type" && kind === "found"));
});

test("the report counts what was spent and how long each inspector took, and names all versions", async () => {
  const { spent, timings, versions: ran } = await run(zip([{ name: "a.txt", data: "12345" }]), ["a.zip"]);
  assert.deepEqual([spent.members, spent.bytes], [1, 5]);
  assert.deepEqual(Object.keys(timings).sort(), ["identify", "name", "type", "zip"]);
  assert.equal(ran, versions);
  assert.deepEqual(Object.keys(versions), [
    "identify",
    "type",
    "name",
    "encryption",
    "zip",
    "gzip",
    "tar",
    "eml",
    "ole",
    "office-sealed",
    "office-flat",
    "rtf",
    "workbook",
    "onenote",
    "access",
    "embedded",
    "lzh",
    "lzip",
    "brotli",
    "uuencode",
    "yenc",
    "binhex",
    "tnef",
    "msg",
    "cms",
    "mac-files",
    "mbox",
    "7-zip",
    "volume",
    "pdf",
    "markup",
    "script",
    "lnk",
    "shortcut",
    "calendar",
    "activemime",
  ]);
});

test("names of files that could not be opened are judged all the same", async () => {
  const report = await run(zip([{ name: "invoice.pdf.exe", data: peStub(), password: "secret" }]));
  assert.deepEqual(findingsOf(report), ["/1 high name.dangerous-extension", "/1 high name.double-extension"]);
  assert.deepEqual(incompleteOf(report), ["/1 zip encrypted"]);
});

test("too many levels are incomplete, and what lies above is kept", async () => {
  let archive = peStub();
  for (let level = 0; level < 5; level++) archive = zip([{ name: `${level}.zip`, data: archive }]);
  const report = await run(archive, [], { ...generousLimits, depth: 3 });
  assert.equal(report.members.length, 3);
  assert.deepEqual(incompleteOf(report), ["/1/1/1 zip limit"]);
});

test("too many files are incomplete, and those that were seen are kept", async () => {
  const files = Array.from({ length: 50 }, (_, index) => ({
    name: `${index}.exe`,
    data: peStub({ note: String(index) }),
  }));
  const report = await run(zip(files), [], { ...generousLimits, members: 10 });
  assert.deepEqual(incompleteOf(report), ["zip limit"]);
  assert.equal(report.members.length, 10);
  assert.equal(findingsOf(report).filter((finding) => finding.endsWith("type.executable")).length, 10);
});

test("the same content is opened once, wherever it lies, and every name of it is judged", async () => {
  const inner = zip([{ name: "a.txt", data: "x" }]);
  const { members, outcomes } = await run(
    zip([
      { name: "one.zip", data: inner },
      { name: "two.exe", data: inner },
    ]),
  );
  assert.deepEqual(
    members.map(({ path }) => path),
    ["/1", "/1/1", "/2"],
  );
  assert.ok(outcomes.some(({ part, inspector, kind }) => part === "/2" && inspector === "name" && kind === "found"));
});

test("a container that holds itself ends", async () => {
  const self: Extractor = {
    name: "self",
    version: "1",
    wants: () => true,
    *extract(_part, bytes, budget) {
      budget.spend({ members: 1, bytes: bytes.length });
      yield { names: ["again"], declaredTypes: [], bytes };
    },
  };
  const { examine: examineSelf } = await createExaminer([], [self]);
  const bytes = Buffer.from("quine");
  assert.equal((await examineSelf(attachment(bytes), bytes, {}, generousLimits)).members.length, 1);
});

test("what throws is incomplete: crashed, and the others go on", async () => {
  const broken: Inspector = {
    name: "broken",
    version: "1",
    wants: () => true,
    inspect() {
      throw new TypeError("a bug");
    },
  };
  const brokenExtractor: Extractor = {
    name: "broken-extractor",
    version: "1",
    wants: () => true,
    extract() {
      throw new RangeError("another bug");
    },
  };
  const last: Inspector = {
    name: "last",
    version: "1",
    wants: () => true,
    inspect: ({ path }) => ({ part: path, inspector: "last", kind: "clean" }),
  };
  const { examine: examineBroken } = await createExaminer([broken, last], [brokenExtractor]);
  const bytes = Buffer.from("x");
  const report = await examineBroken(attachment(bytes), bytes, {}, generousLimits);
  assert.deepEqual(incompleteOf(report), ["broken crashed", "broken-extractor crashed"]);
  assert.ok(report.outcomes.some(({ inspector, kind }) => inspector === "last" && kind === "clean"));
});

test("external variables can be made for each member", async () => {
  const seen: unknown[] = [];
  const listener: Inspector = {
    name: "listener",
    version: "1",
    wants: () => true,
    inspect({ path }, _bytes, externals) {
      seen.push([path, externals["filename"], externals["owner"]]);
      return { part: path, inspector: "listener", kind: "clean" };
    },
  };
  const { examine: examineWith } = await createExaminer([listener], undefined, {
    externalsFor: ({ names }, base) => ({ ...base, filename: names[0] ?? "" }),
  });
  const bytes = zip([{ name: "a.txt", data: "x" }]);
  await examineWith(attachment(bytes, { names: ["a.zip"] }), bytes, { owner: "someone" }, generousLimits);
  assert.deepEqual(seen, [
    ["", "a.zip", "someone"],
    ["/1", "a.txt", "someone"],
  ]);
});

test("a container that nothing opens is incomplete, also as second meaning", async () => {
  const alz = Buffer.from("414c5a010a000000", "hex");
  assert.deepEqual(incompleteOf(await run(alz, ["a.alz"])), ["examine unsupported"]);
  const rar = Buffer.concat([
    Buffer.from("ffd8ffe000104a464946000101", "hex"),
    Buffer.from("Rar!\x1a\x07\x01\0 broken", "latin1"),
  ]);
  assert.deepEqual(incompleteOf(await run(rar)), ["7-zip malformed"]);
});
