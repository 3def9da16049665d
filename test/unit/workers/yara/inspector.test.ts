import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { Externals } from "../../../../src/core/job.ts";
import type { Part, Sha256 } from "../../../../src/core/message.ts";
import type { Finding } from "../../../../src/core/outcome.ts";
import { externalDefaults, messageExternals } from "../../../../src/rulepacks/externals.ts";
import { type CompiledRules, type RuleSource, ScanTimeout } from "../../../../workers/engines/engine.ts";
import { createNativeEngine, type NativeEngine } from "../../../../workers/engines/native.ts";
import { fileWord } from "../../../../workers/inspectors/file-words.ts";
import { createYaraInspector, factsOf, ruleExternals, severityOf } from "../../../../workers/inspectors/yara.ts";

let engine: NativeEngine;
before(async () => {
  engine = await createNativeEngine({ timeoutMs: 300 });
});

const part = (names: readonly string[], path = ""): Part => ({
  path,
  role: path === "" ? "attachment" : "member",
  sha256: "0".repeat(64) as Sha256,
  size: 1,
  names,
  declaredTypes: ["application/pdf"],
  types: ["application/x-dosexec"],
  view: null,
});
const source = (text: string, pack = "own"): RuleSource => ({ pack, file: "f.yar", text });

/** The rules compiled, and how often they were asked. */
function inspector(...sources: readonly RuleSource[]) {
  const { rules } = engine.compile(sources, externalDefaults);
  const count = { scans: 0 };
  const counted: CompiledRules = {
    ...rules,
    ruleCount: rules.ruleCount,
    close: () => rules.close(),
    scan(bytes: Uint8Array, externals: Externals) {
      count.scans++;
      return rules.scan(bytes, externals);
    },
  };
  return { count, inspector: createYaraInspector({ rules: counted, facts: factsOf(sources), version: "1" }) };
}

async function find(
  text: string,
  names: readonly string[] = [],
  octets = "MZ",
  path = "",
): Promise<readonly Finding[]> {
  const outcome = await inspector(source(text)).inspector.inspect(part(names, path), Buffer.from(octets), {});
  return outcome.kind === "found" ? outcome.findings : [];
}
const rules = async (text: string, names: readonly string[] = [], octets?: string, path?: string) =>
  (await find(text, names, octets, path)).map(({ rule }) => rule);

test("a match becomes a finding with the rule's id, words, tags, meta and places", async () => {
  const [finding] = await find(
    'rule r : t1 t2 { meta: description = "A lure" severity = "High" author = "N" strings: $a = "Z" condition: $a }',
  );
  assert.deepEqual(finding, {
    part: "",
    inspector: "yara",
    rule: "own.r",
    severity: "high",
    tags: ["t1", "t2"],
    text: "A lure",
    matches: [{ pattern: "$a", offset: 1, length: 1 }],
    meta: { description: "A lure", severity: "High", author: "N" },
  });
});

test("no match is clean, and the outcome names its part", async () => {
  const { inspector: yara } = inspector(source("rule r { condition: filesize > 9 }"));
  assert.deepEqual(await yara.inspect(part([], "/2"), Buffer.from("x"), {}), {
    part: "/2",
    inspector: "yara",
    kind: "clean",
  });
});

test("severity comes from the rule's word, else its score, else the pack, else it is medium", () => {
  const cases: readonly (readonly [Record<string, string | number | boolean>, string])[] = [
    [{ severity: "critical", score: 1 }, "critical"],
    [{ severity: " odd", score: 39 }, "info"],
    [{ score: 40 }, "low"],
    [{ score: "59" }, "low"],
    [{ score: 60 }, "medium"],
    [{ score: 75 }, "high"],
    [{ score: 90.5 }, "critical"],
    [{ score: "high" }, "low"],
    [{ score: "" }, "low"],
    [{}, "low"],
  ];
  for (const [meta, expected] of cases) assert.equal(severityOf(meta, "low"), expected, JSON.stringify(meta));
});

test("a pack's own severity holds for its rules only", async () => {
  const sources: readonly RuleSource[] = [
    { ...source("rule a { condition: true }", "stern"), severity: "critical" },
    source("rule b { condition: true }", "plain"),
  ];
  const outcome = await inspector(...sources).inspector.inspect(part([]), Buffer.from("x"), {});
  assert.equal(outcome.kind, "found");
  const found = outcome.kind === "found" ? outcome.findings : [];
  assert.deepEqual(
    new Map(found.map(({ rule, severity }) => [rule, severity])),
    new Map([
      ["stern.a", "critical"],
      ["plain.b", "high"],
    ]),
  );
});

test("texts of rules are cut, and an empty one is replaced", async () => {
  const [long, empty] = await find(
    `rule a { meta: description = "${"d".repeat(400)}" condition: true } rule b { meta: description = "" condition: true }`,
  );
  assert.equal(long?.text.length, 300);
  assert.equal(empty?.text, "The rule b matched");
});

test("every candidate name is tried, and each rule is reported once", async () => {
  const text = 'rule named { condition: filename == "b.exe" } rule always { condition: true }';
  assert.deepEqual((await rules(text, ["a.pdf", "b.exe"])).sort(), ["own.always", "own.named"]);
});

test("names that the rules cannot tell apart are one scan", async () => {
  const names = ["a.pdf", "b.pdf", "c.exe"];
  const scans = async (condition: string): Promise<number> => {
    const { inspector: yara, count } = inspector(source(`rule r { condition: ${condition} }`));
    await yara.inspect(part(names), Buffer.from("x"), {});
    return count.scans;
  };
  assert.deepEqual([await scans("true"), await scans('extension == ".x"'), await scans('filename == "x"')], [1, 2, 3]);
});

test("variables say what the part is", () => {
  const message = messageExternals(
    { reversePath: "A@Example.test", forwardPaths: [{ address: "b@site.test", route: "main" }] },
    { header: { subject: "S", from: "F", to: "", messageId: "", date: "" }, size: 99 },
    "outbound",
  );
  assert.deepEqual(ruleExternals(part(["x"], "1.2/3/1"), Buffer.from("MZ"), "dir\\sub/Doc.PDF.Exe", message), {
    filename: "Doc.PDF.Exe",
    filepath: "dir\\sub/Doc.PDF.Exe",
    extension: ".exe",
    filetype: "EXE",
    owner: "",
    filemode: 0,
    part_path: "/3/1",
    part_role: "member",
    password_opened: false,
    declared_type: "application/pdf",
    identified_type: "application/x-dosexec",
    depth: 2,
    message_size: 99,
    sender: "a@example.test",
    sender_domain: "example.test",
    header_from: "F",
    recipient_count: 1,
    route: "main",
    direction: "outbound",
    subject: "S",
  });
});

test("each variable has the type of its default", () => {
  const all = { ...externalDefaults, ...ruleExternals(part([]), new Uint8Array(), "", {}) };
  for (const [name, value] of Object.entries(externalDefaults))
    assert.equal(typeof (all as Externals)[name], typeof value, name);
});

test("the word for the first octets is that of the longest known beginning", () => {
  const words = ["MZ", "%PDF-1.7", "PK\x03\x04", "<!DOCTYPE html>", "<html>", "", "plain"].map((text) =>
    fileWord(Buffer.from(text, "latin1")),
  );
  assert.deepEqual(words, ["EXE", "PDF", "ZIP", "HTML", "HTML", "", ""]);
});

test("a scan that runs out of time is incomplete, never clean", async () => {
  const { inspector: yara } = inspector(source("rule a { strings: $a = /a.*a.*a.*a.*z/s condition: $a }"));
  const outcome = await yara.inspect(part([]), Buffer.alloc(2e6, "a"), {});
  assert.deepEqual([outcome.kind, outcome.kind === "incomplete" && outcome.why], ["incomplete", "timeout"]);
});

test("anything else that an engine throws is left to its process", () => {
  const broken: CompiledRules = {
    ruleCount: 0,
    scan() {
      throw new WebAssemblyTrap();
    },
    close: () => undefined,
  };
  class WebAssemblyTrap extends Error {}
  const yara = createYaraInspector({ rules: broken, facts: factsOf([]), version: "1" });
  assert.throws(() => yara.inspect(part([]), Buffer.from("x"), {}), WebAssemblyTrap);
  assert.ok(!(new WebAssemblyTrap() instanceof ScanTimeout));
});

test("text in UTF-16 is shown to the rules in UTF-8 as well, with its mark or without, whichever octet comes first", async () => {
  const rule = 'rule r { strings: $a = "msSaveOrOpenBlob" ascii condition: $a }';
  const page = "<html><script>navigator.msSaveOrOpenBlob(b)</script></html>";
  const little = Buffer.from(page, "utf16le");
  const big = Buffer.from(little).swap16();
  const samples = [
    Buffer.concat([Buffer.from([0xff, 0xfe]), little]),
    little,
    Buffer.concat([Buffer.from([0xfe, 0xff]), big]),
    big,
  ];
  const { inspector: yara } = inspector(source(rule));
  for (const octets of samples) {
    const outcome = await yara.inspect(part([]), octets, {});
    assert.equal(outcome.kind, "found");
  }
});
