import assert from "node:assert/strict";
import { test } from "node:test";
import iconv from "iconv-lite";
import { compound } from "../../../../fixtures/make-ole.ts";
import { vbaCompress, type VbaShape, vbaStorage } from "../../../../fixtures/make-vba.ts";
import { readCfb } from "../../../../workers/formats/cfb.ts";
import { decompress, modulesIn } from "../../../../workers/formats/vba-compression.ts";
import { vbaProjects } from "../../../../workers/formats/vba-project.ts";
import { stomped } from "../../../../workers/formats/vba-stomping.ts";

const room = 1024 * 1024;
const hello = 'Sub Hello()\r\n  MsgBox "harmless"\r\nEnd Sub\r\n';

function projects(shape: VbaShape, under = "Macros") {
  const file = compound([{ name: under, children: vbaStorage(shape) }]);
  const cfb = readCfb(file);
  assert.ok(cfb);
  return [...vbaProjects(cfb, room)];
}

test("the three examples of the specification come out", () => {
  // [MS-OVBA] §3.2
  const examples = {
    "0119b000616263646566676800696a6b6c6d6e6f7000717273747576 2e": "abcdefghijklmnopqrstuv.",
    "012fb00023616161626364658266007061 6768696a013808616b6c00306d6e6f7006710270041072737475 7610777879 7a003c":
      "#aaabcdefaaaaghijaaaaaklaaamnopqaaaaaaaaaaaarstuvwxyzaaa",
    "0103b002614500": "a".repeat(73),
  };
  for (const [hex, text] of Object.entries(examples))
    assert.equal(decompress(Buffer.from(hex.replaceAll(" ", ""), "hex"), 0, room)?.bytes.toString(), text);
});

test("what is compressed comes out again, over many chunks", () => {
  const text = Buffer.from(Array.from({ length: 600 }, (_, index) => `line ${index % 97} of ${index}\r\n`).join(""));
  const packed = vbaCompress(text);
  assert.ok(packed.length < text.length);
  assert.deepEqual(decompress(packed, 0, room), { bytes: text, end: "whole" });
  assert.deepEqual(decompress(Buffer.concat([packed, Buffer.alloc(5)]), 0, room), { bytes: text, end: "cut" });
  assert.deepEqual(decompress(packed, 0, 5000), { bytes: text.subarray(0, 5000), end: "full" });
});

test("a chunk of copies gives no more than a chunk has, and none from before its beginning", () => {
  const greedy = Buffer.from("0105b0026100ff0fff0f".padEnd(20, "0"), "hex");
  assert.ok((decompress(greedy, 0, room)?.bytes.length ?? 0) <= 4096);
  assert.deepEqual(decompress(Buffer.from("0102b001ffff", "hex"), 0, room)?.bytes, Buffer.alloc(0));
  assert.equal(decompress(Buffer.from("not one"), 0, room), null);
});

test("a project gives its modules with their source, under any storage", () => {
  for (const under of ["Macros", "_VBA_PROJECT_CUR", "anything"]) {
    const [project, ...others] = projects(
      {
        modules: [
          { name: "ThisDocument", code: "" },
          { name: "Module1", code: hello },
        ],
      },
      under,
    );
    assert.deepEqual(others, []);
    assert.deepEqual(
      project?.modules.map(({ name, source }) => [name, source]),
      [
        ["ThisDocument", 'Attribute VB_Name = "ThisDocument"\r\n'],
        ["Module1", `Attribute VB_Name = "Module1"\r\n${hello}`],
      ],
    );
    assert.equal(project && stomped(project), null);
  }
});

test("source and names are read in the code page of the project", () => {
  const encode = (text: string): Buffer => iconv.encode(text, "cp932");
  const [project] = projects({ codePage: 932, encode, modules: [{ name: "集計", code: "' 表示する\r\n" }] });
  assert.deepEqual(
    project?.modules.map(({ name, source }) => [name, source]),
    [["集計", 'Attribute VB_Name = "集計"\r\n\' 表示する\r\n']],
  );
});

test("source that is gone, or says less than the compiled form, is found", () => {
  const [gone] = projects({ modules: [{ name: "Module1", code: hello, stomped: true }] });
  assert.equal(gone && stomped(gone)?.kind, "gone");
  const [differs] = projects({ modules: [{ name: "Module1", code: hello }], identifiers: ["CreateObject", "MsgBox"] });
  assert.deepEqual(differs && stomped(differs), { kind: "differs", detail: "CreateObject" });
  const [same] = projects({ modules: [{ name: "Module1", code: hello }], identifiers: ["ShellSort", "MsgBox"] });
  assert.equal(same && stomped(same), null);
});

test("modules are found by their beginning when the directory is damaged", () => {
  const [project] = projects({ modules: [{ name: "Module1", code: hello }] });
  assert.ok(project);
  const file = Buffer.concat([
    Buffer.alloc(100, 1),
    vbaCompress(Buffer.from('Attribute VB_Name = "Lost"\r\n')),
    Buffer.alloc(9),
  ]);
  const [at = -1] = modulesIn(file);
  assert.equal(decompress(file, at, room)?.bytes.toString(), 'Attribute VB_Name = "Lost"\r\n');
});
