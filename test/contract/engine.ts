/** What every RuleEngine must do, whatever runs YARA-X. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Externals } from "../../src/core/job.ts";
import type { CompiledRules, RuleEngine, RuleHit, RuleSource } from "../../workers/engines/engine.ts";

export const file = (pack: string, name: string, text: string): RuleSource => ({ pack, file: name, text });
export const bytes = (text: string): Buffer => Buffer.from(text, "latin1");
const rule = (name: string, condition: string): string => `rule ${name} { condition: ${condition} }`;
const names = (hits: readonly RuleHit[]): readonly string[] => hits.map(({ pack, rule: id }) => `${pack}.${id}`).sort();

const externals: Externals = { filename: "", filemode: 0, is_inner: false };

export function engineContract(name: string, make: () => Promise<RuleEngine>): void {
  describe(`engine ${name}`, () => {
    let engine: RuleEngine;
    const open: CompiledRules[] = [];
    before(async () => {
      engine = await make();
    });
    after(() => {
      for (const rules of open) rules.close();
    });

    function compile(...sources: readonly RuleSource[]) {
      const compiled = engine.compile(sources, externals);
      open.push(compiled.rules);
      const errors = compiled.problems.filter(({ level }) => level === "error");
      return { ...compiled, errors };
    }
    function find(text: string, octets: Uint8Array = bytes("x"), given: Externals = {}): readonly string[] {
      const { rules, errors } = compile(file("p", "f.yar", text));
      assert.deepEqual(errors, []);
      return names(rules.scan(octets, given));
    }

    it("reports tags, meta of every kind, and where each pattern matched", () => {
      const { rules } = compile(
        file(
          "pack",
          "a.yar",
          'rule a : one two { meta: text = "t" number = -3 float = 1.5 truth = true text = "last" strings: $x = "ab" $y = { 63 ?? 65 } condition: all of them }',
        ),
      );
      assert.deepEqual(rules.scan(bytes("..abab.cde"), {}), [
        {
          pack: "pack",
          rule: "a",
          tags: ["one", "two"],
          meta: { text: "last", number: -3, float: 1.5, truth: true },
          matches: [
            { pattern: "$x", offset: 2, length: 2 },
            { pattern: "$x", offset: 4, length: 2 },
            { pattern: "$y", offset: 7, length: 3 },
          ],
        },
      ]);
    });

    it("reports at most 16 matches of a rule, but counts more", () => {
      const { rules } = compile(file("p", "f", 'rule a { strings: $x = "ab" $y = "b" condition: #x == 100 and $y }'));
      const [hit] = rules.scan(bytes("ab".repeat(100)), {});
      assert.equal(hit?.matches.length, 16);
      assert.deepEqual(hit.matches.at(-1), { pattern: "$x", offset: 30, length: 2 });
    });

    it("leaves private rules and private patterns out", () => {
      const text =
        'private rule p { condition: true } rule a { strings: $x = "ab" $y = "cd" private condition: p and all of them }';
      const { rules } = compile(file("p", "f", text));
      const hits = rules.scan(bytes("abcd"), {});
      assert.deepEqual(names(hits), ["p.a"]);
      assert.deepEqual(hits[0]?.matches, [{ pattern: "$x", offset: 0, length: 2 }]);
    });

    it("lets a global rule decide for its own pack only", () => {
      const { rules } = compile(
        file("small", "f", `global ${rule("is_small", "filesize < 10")} ${rule("any_small", "true")}`),
        file("other", "f", rule("any_other", "true")),
      );
      assert.deepEqual(names(rules.scan(bytes("x"), {})), ["other.any_other", "small.any_small", "small.is_small"]);
      assert.deepEqual(names(rules.scan(bytes("x".repeat(20)), {})), ["other.any_other"]);
    });

    it("takes variables of all types, and the defaults where none is given", () => {
      const text = [
        rule("named", 'filename matches /[.]exe$/i and filename != "z"'),
        rule("mode", "filemode == 0x1ff"),
        rule("inner", "is_inner"),
        rule("defaults", 'filename == "" and filemode == 0 and not is_inner'),
      ].join("\n");
      const { rules } = compile(file("p", "f", text));
      const scan = (given: Externals): readonly string[] => names(rules.scan(bytes("x"), given));
      assert.deepEqual(scan({ filename: "a.EXE" }), ["p.named"]);
      assert.deepEqual(scan({ filemode: 511, is_inner: true }), ["p.inner", "p.mode"]);
      assert.deepEqual(scan({}), ["p.defaults"], "nothing is left over from the scan before");
    });

    it("keeps a text a text when it looks like a number or a truth", () => {
      const text = ["2015", "+7", "true", "FALSE", "-0"].map((v, i) => rule(`r${i}`, `filename == "${v}"`)).join("\n");
      const { rules } = compile(
        file("p", "f", text),
        file("p", "g", `${rule("short", "filename matches /^[0-9]{1,4}$/")} ${rule("both", "short and r0")}`),
        file("q", "h", rule("always", "true")),
      );
      const scan = (filename: string): readonly string[] => names(rules.scan(bytes("x"), { filename }));
      assert.deepEqual(scan("2015"), ["p.both", "p.r0", "p.short", "q.always"]);
      assert.deepEqual(scan("+7"), ["p.r1", "q.always"]);
      assert.deepEqual(scan("true"), ["p.r2", "q.always"]);
      assert.deepEqual(scan("FALSE"), ["p.r3", "q.always"]);
      assert.deepEqual(scan("-0"), ["p.r4", "q.always"]);
    });

    it("takes any Unicode and any control character in a variable", () => {
      assert.deepEqual(find(rule("a", 'filename contains "資料"'), bytes("x"), { filename: "\u202e資料\0\n.doc" }), [
        "p.a",
      ]);
      assert.deepEqual(find(rule("a", 'filename startswith "x"'), bytes("x"), { filename: "x\ud800" }), ["p.a"]);
    });

    it("ignores variables that no rule can know", () => {
      assert.deepEqual(find(rule("a", "true"), bytes("x"), { unheard: 1 }), ["p.a"]);
    });

    it("knows the modules", () => {
      const text = `import "pe" import "elf" import "math" import "hash" import "string" import "console" import "time"
        ${rule("hashed", 'hash.md5(0, filesize) == "9dd4e461268c8034f5c8564e155c67a6"')}
        ${rule("even", "math.entropy(0, filesize) < 0.5")}
        ${rule("no_program", "not pe.is_pe and not defined elf.type")}
        ${rule("text", 'string.length("ab") == 2 and string.to_int("12") == 12')}
        ${rule("talks", 'console.log("from a rule")')}
        ${rule("late", "time.now() > 1700000000")}`;
      assert.deepEqual(find(text), ["p.even", "p.hashed", "p.late", "p.no_program", "p.talks", "p.text"]);
    });

    it("survives offsets that no part has", () => {
      const far = bytes(`sally${"\xff".repeat(8)}`);
      const text = [
        ["at_constant", "$a at 4294967296"],
        ["at_read", "$a at (uint32(5) + 5)"],
        ["in_wide", "$a in (0..4294967295)"],
        ["in_wider", "$a in (0..9007199254740993)"],
        ["in_far", "$a in (uint32(5)..uint32(5) + 9)"],
        ["counted", "#a in (0..4294967296) == 1"],
        ["before", "$a in (filesize - 500..filesize)"],
        ["read_far", "uint32(uint32(5) * 8) == 0 or not $a"],
      ].map(([id, condition]) => `rule ${id} { strings: $a = "sally" condition: ${condition} }`);
      assert.deepEqual(find(text.join("\n"), far), ["p.before", "p.counted", "p.in_wide", "p.in_wider"]);
    });

    it("leaves out the file that does not compile, and names line and column", () => {
      const { rules, errors } = compile(
        file("p", "good.yar", rule("good", "true")),
        file("p", "bad.yar", "rule bad {\n  condition:\n    nothing_known and true\n}"),
        file("p", "open.yar", 'rule open { strings: $a = "ab condition: $a }'),
        file("p", "regex.yar", "rule regex {\n strings: $a = /(/\n condition: $a }"),
        file("q", "more.yar", rule("more", "true")),
      );
      assert.deepEqual(names(rules.scan(bytes("x"), {})), ["p.good", "q.more"]);
      assert.equal(rules.ruleCount, 2);
      assert.deepEqual(
        errors.map(({ pack, file: at, line, column, code }) => `${pack}/${at}:${line}:${column} ${code}`),
        ["p/bad.yar:3:5 E009", "p/open.yar:1:27 E001", "p/open.yar:1:46 E001", "p/regex.yar:2:17 E014"],
      );
      assert.match(errors[0]?.message ?? "", /nothing_known/);
    });

    it("counts columns in characters", () => {
      const { errors } = compile(file("p", "f", "/* 添付資料 */ rule a { condition: nothing }"));
      assert.deepEqual([errors[0]?.line, errors[0]?.column], [1, 32]);
    });

    it("lets rules of one pack build on each other over files, in order", () => {
      const { rules, errors } = compile(
        file("p", "1-base.yar", rule("base", "filesize == 1")),
        file("p", "2-broken.yar", rule("broken", "nothing")),
        file("p", "3-built.yar", rule("built", "base")),
        file("q", "1.yar", rule("foreign", "base")),
      );
      assert.deepEqual(names(rules.scan(bytes("x"), {})), ["p.base", "p.built"]);
      assert.deepEqual(
        errors.map(({ pack, file: at }) => `${pack}/${at}`),
        ["p/2-broken.yar", "q/1.yar"],
      );
    });

    it("leaves out what builds on a file that was left out", () => {
      const { rules, errors } = compile(
        file("p", "1.yar", `${rule("one", "true")} ${rule("oops", "nothing")}`),
        file("p", "2.yar", rule("two", "one")),
        file("p", "3.yar", rule("three", "two")),
        file("p", "4.yar", rule("four", "true")),
      );
      assert.deepEqual(names(rules.scan(bytes("x"), {})), ["p.four"]);
      assert.deepEqual(new Set(errors.map(({ file: at }) => at)), new Set(["1.yar", "2.yar", "3.yar"]));
    });

    it("takes one name in two packs, not twice in one", () => {
      const { rules, errors } = compile(
        file("p", "1.yar", rule("same", "true")),
        file("q", "1.yar", rule("same", "true")),
        file("p", "2.yar", `\n  ${rule("same", "true")}`),
      );
      assert.deepEqual(names(rules.scan(bytes("x"), {})), ["p.same", "q.same"]);
      assert.deepEqual(
        errors.map(({ pack, file: at, line, column, code }) => [pack, at, line, column, code]),
        [["p", "2.yar", 2, 8, "E012"]],
      );
    });

    it("refuses to include files, and says nothing of them", () => {
      const { rules, errors } = compile(
        file("p", "1.yar", `include "/etc/passwd"\n${rule("a", "true")}`),
        file("p", "2.yar", `${rule("b", "true")} // include "x"`),
      );
      assert.deepEqual(names(rules.scan(bytes("x"), {})), ["p.b"]);
      assert.deepEqual(
        errors.map(({ file: at, line }) => [at, line]),
        [["1.yar", 1]],
      );
      assert.doesNotMatch(JSON.stringify(errors), /root:/);
    });

    it("refuses a meta number that cannot be reported exactly", () => {
      const { errors } = compile(file("p", "f", "rule a {\n meta:\n  id = 9007199254740993\n condition: true }"));
      assert.deepEqual([errors[0]?.line, errors[0]?.column], [3, 8]);
      assert.deepEqual(find("rule a { meta: id = -9007199254740991 condition: filesize < 9007199254740993 }"), ["p.a"]);
    });

    it("shows meta bytes that are no UTF-8 as unknown", () => {
      const { rules } = compile(file("p", "f", 'rule a { meta: raw = "\\xff\\x00" condition: true }'));
      assert.deepEqual(rules.scan(bytes("x"), {})[0]?.meta, { raw: "unknown" });
    });

    it("compiles no rules to a set that finds nothing", () => {
      const { rules, errors } = compile();
      assert.deepEqual([rules.ruleCount, errors, rules.scan(bytes("x"), {})], [0, [], []]);
    });

    it("scans no octets, and a view into a larger buffer", () => {
      assert.deepEqual(find(rule("a", "filesize == 0"), new Uint8Array()), ["p.a"]);
      const { rules } = compile(file("p", "f", 'rule a { strings: $a = "bc" condition: $a at 0 and filesize == 2 }'));
      assert.deepEqual(names(rules.scan(new Uint8Array(bytes("abcd")).subarray(1, 3), {})), ["p.a"]);
    });

    it("keeps two sets of rules apart, and one usable after the other is closed", () => {
      const first = engine.compile([file("p", "f", rule("one", 'filename == "a"'))], externals).rules;
      const second = engine.compile([file("p", "f", rule("two", 'filename == "b"'))], externals).rules;
      assert.deepEqual(names(first.scan(bytes("x"), { filename: "a" })), ["p.one"]);
      assert.deepEqual(names(second.scan(bytes("x"), { filename: "b" })), ["p.two"]);
      first.close();
      assert.deepEqual(names(second.scan(bytes("x"), { filename: "b" })), ["p.two"]);
      second.close();
    });
  });
}
