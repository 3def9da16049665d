/** Text of strangers on a terminal. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Output, safe, safeJson, table, width } from "../../../src/cli/output.ts";

test("controls, bidirectional marks and invisible letters are shown by their number", () => {
  assert.equal(safe("a\x1b[2Jb"), "a\\u{1b}[2Jb");
  assert.equal(safe("invoice\u202efdp.exe"), "invoice\\u{202e}fdp.exe");
  assert.equal(safe("a\r\nb\u0085c\u2028d"), "a\\u{d}\\u{a}b\\u{85}c\\u{2028}d");
  assert.equal(
    safe("x\u200bx\u00adx\ufeffx\u2066x\u{e0041}x\u3164"),
    "x\\u{200b}x\\u{ad}x\\u{feff}x\\u{2066}x\\u{e0041}x\\u{3164}",
  );
  assert.equal(safe("\ud800 alone"), "\\u{d800} alone");
  assert.equal(safe("請求書.pdf – Überweisung"), "請求書.pdf – Überweisung");
});

test("JSON stays JSON, and no hostile character is left in it", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const json = safeJson({ text, list: [text] });
      assert.deepEqual(JSON.parse(json), { text, list: [text] });
      assert.equal(safe(json.replaceAll("\n", "")), json.replaceAll("\n", ""));
    }),
    { numRuns: 300 },
  );
});

test("columns are aligned, also beside wide letters; numbers stand to the right", () => {
  assert.equal(width("請求書"), 6);
  assert.equal(width("e\u0301"), 1);
  const text = table(
    ["NAME", "SIZE", "NOTE"],
    [
      ["請求書", 5, "x"],
      ["a\nb", 1000, null],
    ],
  );
  assert.equal(text, "NAME     SIZE  NOTE\n請求書      5  x\na\\u{a}b  1000  -");
});

test("an empty table is its head", () => {
  assert.equal(table(["A", "B"], []), "A  B");
});

test("a result is text for people and JSON for programs", () => {
  const said: string[] = [];
  const sink = { write: (text: string) => said.push(text) };
  new Output(sink, sink, () => false).result({ a: 1 }, () => "one");
  new Output(sink, sink, () => true).result({ a: 1 }, () => "one");
  assert.deepEqual(said, ["one\n", '{\n  "a": 1\n}\n']);
});
