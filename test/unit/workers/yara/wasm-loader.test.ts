import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ScanTimeout } from "../../../../workers/engines/engine.ts";
import { createNativeEngine, nativeAvailable } from "../../../../workers/engines/native.ts";
import { createWasmEngine } from "../../../../workers/engines/wasm.ts";
import { withoutConstructorCalls } from "../../../../workers/engines/wasm-patch.ts";
import { webAssembly } from "../../../../workers/engines/web-assembly.ts";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const rule = (condition: string) => [
  { pack: "p", file: "f", text: `rule a { strings: $a = "x" condition: ${condition} }` },
];

test("the repairs hold for the pinned build, and the process may live on", async () => {
  const engine = await createWasmEngine();
  assert.deepEqual([engine.unrepaired, engine.recycleAfter], [null, null]);
});

test("without repairs the same build works, but asks to be recycled", async () => {
  const engine = await createWasmEngine({ repaired: false });
  const { rules } = engine.compile(rule("$a at 1"), {});
  assert.equal(rules.scan(Buffer.from(".x"), {}).length, 1);
  assert.deepEqual([engine.unrepaired, engine.recycleAfter], ["not wanted", 2_000]);
});

test("other WASM in the process never meets the replacements, and a rule cannot print", async () => {
  const before = {
    ...webAssembly,
    Instance: webAssembly.Instance,
    Module: webAssembly.Module,
    Memory: webAssembly.Memory,
  };
  const print = console.log;
  const engine = await createWasmEngine();
  const text = 'import "console" rule a { condition: console.log("printed by a rule") }';
  const { rules } = engine.compile([{ pack: "p", file: "f", text }], {});
  assert.equal(rules.scan(Buffer.from("x"), {}).length, 1);
  assert.throws(() =>
    engine.compile([{ pack: "p", file: "f", text: `rule a { condition: ${"(".repeat(100_000)}` }], {}),
  );
  assert.deepEqual(
    [webAssembly.Instance, webAssembly.Module, webAssembly.Memory, console.log],
    [before.Instance, before.Module, before.Memory, print],
  );
});

/** A module with one function, exported `names.length` times; its body is `code`. */
function module(names: readonly string[], code: readonly number[]): Uint8Array {
  const exported = names.flatMap((name) => [name.length, ...Buffer.from(name), 0, 0]);
  const body = [0, ...code, 0x0b];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...[1, 4, 1, 0x60, 0, 0],
    ...[3, 2, 1, 0],
    ...[7, exported.length + 1, names.length, ...exported],
    ...[10, body.length + 2, 1, body.length, ...body],
  ]);
}

test("only a module whose exports begin with one common call is changed, and only there", () => {
  const calls = module(["new", "scan"], [0x10, 0]);
  assert.ok(webAssembly.validate(calls));
  const patched = withoutConstructorCalls(calls, 0, "new");
  assert.deepEqual(patched?.subarray(-3), Uint8Array.from([1, 1, 0x0b]));
  assert.ok(patched && webAssembly.validate(patched));
  assert.equal(withoutConstructorCalls(module(["new", "scan"], [1]), 0, "new"), null, "no call");
  assert.equal(withoutConstructorCalls(calls, 0, "other"), null, "no function that keeps the call");
  assert.equal(withoutConstructorCalls(calls.subarray(0, 8), 0, "new"), null, "no sections");
  assert.throws(() => withoutConstructorCalls(calls.subarray(0, -4), 0, "new"), RangeError);
});

test("the engine works in a process that may read its program and nothing else", async () => {
  const program = `
    import { createWasmEngine } from "${root}workers/engines/wasm.ts";
    import { readFileSync } from "node:fs";
    const engine = await createWasmEngine();
    const { rules } = engine.compile([{ pack: "p", file: "f", text: 'rule a { condition: filesize == 1 }' }], {});
    let read = "denied";
    try { read = readFileSync("/etc/hostname", "utf8"); } catch {}
    console.log(engine.unrepaired, rules.scan(Buffer.from("x"), {}).length, read);`;
  const args = ["--permission", `--allow-fs-read=${root}`, "--input-type=module", "--eval", program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: {}, cwd: root });
  assert.equal(stdout.trim(), "null 1 denied");
});

test("the versions that the engines name are those that are pinned", async () => {
  const { dependencies, optionalDependencies } = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as Record<
    "dependencies" | "optionalDependencies",
    Readonly<Record<string, string>>
  >;
  assert.equal((await createWasmEngine()).version, `yara-x ${dependencies["@virustotal/yara-x"]} wasm`);
  assert.equal(optionalDependencies["@litko/yara-x-linux-x64-gnu"], "0.7.2", "which is YARA-X 1.20.0");
  assert.deepEqual(nativeAvailable(), { available: true });
});

test("a native scan that takes too long ends by itself, and the engine stays usable", async () => {
  const engine = await createNativeEngine({ timeoutMs: 200 });
  const text = "rule a { strings: $a = /a.*a.*a.*a.*z/s condition: $a } rule b { condition: filesize == 1 }";
  const { rules } = engine.compile([{ pack: "p", file: "f", text }], {});
  assert.throws(() => rules.scan(Buffer.alloc(2e6, "a"), {}), ScanTimeout);
  assert.deepEqual(
    rules.scan(Buffer.from("x"), {}).map((hit) => hit.rule),
    ["b"],
  );
});
