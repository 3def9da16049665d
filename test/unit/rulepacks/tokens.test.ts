import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { externalDefaults, usedExternals } from "../../../src/rulepacks/externals.ts";
import { declaredRules, placeOf, tokens, usedNames } from "../../../src/rulepacks/tokens.ts";

const ruleNames = (text: string): readonly string[] => declaredRules(text).map(({ name }) => name);
const used = (condition: string): readonly string[] => [
  ...usedExternals([{ text: `rule a { meta: filename = "x" strings: $sender = "y" condition: ${condition} }` }]),
];

test("rules are found by their declaration, with their modifiers", () => {
  const text = "private rule a { } global\n private rule b : t { }rule c{}";
  assert.deepEqual(ruleNames(text), ["a", "b", "c"]);
  assert.deepEqual(
    declaredRules(text).map(({ from }) => text.slice(from, from + 7)),
    ["private", "global\n", "rule c{"],
  );
});

test("what looks like a rule in comments and literals is none", () => {
  const text = `// rule a {
    /* rule b { */ rule real { meta: m = "rule c { \\" rule d {" strings:
      $l = """rule e {
      rule f {""" $r = /rule g \\/ rule h/i $h = { 4D /* rule i { */ 5A } condition: $l or $r or $h }`;
  assert.deepEqual(ruleNames(text), ["real"]);
});

test("variables count as used where a condition reads them", () => {
  assert.deepEqual(used('filename matches /exe$/ and not (sender == "a@b" or depth>=2)'), [
    "filename",
    "sender",
    "depth",
  ]);
  assert.deepEqual(used("for any i in (1..recipient_count) : (i == message_size)"), [
    "recipient_count",
    "message_size",
  ]);
  assert.deepEqual(used('extension=="x" and filetype != "y" and route<="z"'), ["extension", "filetype", "route"]);
});

test("fields, patterns, lines of meta, comments and literals are no use of a variable", () => {
  assert.deepEqual(used('$sender and #sender > 1 and pe.filename == "subject" /* owner */ // route'), []);
});

test("no text makes the splitter fail, and its tokens are pieces of the text in order", () => {
  const piece = fc.constantFrom(
    '"',
    "/",
    "*",
    "\\",
    "\n",
    "rule ",
    "a",
    "=",
    "{",
    '"""',
    "//",
    "/*",
    "*/",
    "é",
    "\0",
    "7",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      const text = pieces.join("");
      let end = 0;
      for (const token of tokens(text)) {
        assert.ok(token.at >= end && token.text.length > 0);
        end = token.at + token.text.length;
        assert.equal(text.slice(token.at, end), token.text);
      }
      assert.ok(end <= text.length);
    }),
    { numRuns: 500 },
  );
});

test("a literal of megabytes is one token", () => {
  for (const open of ['"', "/", '"""']) assert.equal([...tokens(open + "a".repeat(3e6))].length, 1);
});

test("places count lines and characters from one", () => {
  assert.deepEqual(placeOf("a\r\n添付 x", 6), { line: 2, column: 4 });
  assert.deepEqual(placeOf("", 0), { line: 1, column: 1 });
});

test("every name in the table of variables can be asked for", () => {
  for (const name of Object.keys(externalDefaults)) assert.deepEqual(usedNames(`x ${name} y`, new Set([name])).size, 1);
});
