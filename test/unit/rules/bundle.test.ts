/** A release is packed the same everywhere, and unpacks to nothing outside its folder. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { packRelease, unpackedIn, unpackRelease } from "../../../src/rulepacks/bundle.ts";
import { loadRulePacks } from "../../../src/rulepacks/load.ts";
import { temporaryFolder } from "../../support/spool.ts";

test("what comes out judges as what went in, wherever it lies", async (t) => {
  const folder = await temporaryFolder(t);
  for (const [i, name] of ["first", "second"].entries()) {
    mkdirSync(join(folder, name, "pack", "deep"), { recursive: true });
    writeFileSync(join(folder, name, "pack", "a.yar"), `rule a${i} { condition: true }`);
    writeFileSync(join(folder, name, "pack", "deep", "b.yar"), `rule b${i} { condition: false }`);
    writeFileSync(join(folder, name, "pack", "pack.yaml"), `id: pack-${i}\nversion: "1"\n`);
  }
  writeFileSync(join(folder, "lone.yar"), "rule lone { condition: true }");
  const folders = [join(folder, "first"), join(folder, "second")];
  const octets = await packRelease(folders, "version: 1\n");
  assert.deepEqual(await packRelease(folders, "version: 1\n"), octets);
  const there = join(folder, "release");
  assert.equal(await unpackedIn(there), null);
  await unpackRelease(octets, there);
  await unpackRelease(octets, there);
  const unpacked = await unpackedIn(there);
  assert.ok(unpacked?.policy);
  const [before, after] = [await loadRulePacks(folders), await loadRulePacks(unpacked.rules)];
  assert.equal(after.version, before.version);
  assert.equal(after.sources.length, 4);
});

test("paths that lead elsewhere are refused", async (t) => {
  const folder = await temporaryFolder(t);
  for (const path of ["../out.yar", "/out.yar", "0/../../out.yar", "0/.hidden/x.yar", "", "a\0b", "a//b"]) {
    const octets = gzipSync(JSON.stringify({ format: 1, files: [{ path, octets: "" }], policy: null }));
    await assert.rejects(unpackRelease(octets, join(folder, "release")), path);
  }
  assert.equal(existsSync(join(folder, "out.yar")), false);
});
