import assert from "node:assert/strict";
import { test } from "node:test";
import { paxRecord, type TarFile, tar } from "../../../../fixtures/make.ts";
import { tarExtractor } from "../../../../workers/extractors/tar.ts";
import { collect } from "../../../support/extraction.ts";

const open = (files: readonly TarFile[]) => collect(tarExtractor, tar(files));
const note: TarFile = { name: "note.txt", data: "a note" };

test("files come out in order; folders and links hold nothing", () => {
  const { members, closed, odd } = open([
    { name: "dir/", data: "", type: "5" },
    note,
    { name: "link", data: "", type: "2" },
    { name: "dir/b.txt", data: "x".repeat(513) },
  ]);
  assert.deepEqual(
    members.map(({ names }) => names),
    [["note.txt"], ["dir/b.txt"]],
  );
  assert.equal(members[1]?.text.length, 513);
  assert.deepEqual([closed, odd], [[], []]);
});

test("old archives have no mark", () => {
  assert.deepEqual(open([{ ...note, old: true }]).members, [{ names: ["note.txt"], text: "a note" }]);
});

test("long names of pax and of GNU come first, the short one stays a candidate", () => {
  const pax = open([{ name: "PaxHeaders/x", type: "x", data: paxRecord("path", "a long ñame.txt") }, note]);
  assert.deepEqual(pax.members[0]?.names.slice(0, 1), ["a long ñame.txt"]);
  assert.ok(pax.members[0]?.names.includes("note.txt"));
  const gnu = open([{ name: "././@LongLink", type: "L", data: "a/very/long/name.txt\0" }, note]);
  assert.deepEqual(gnu.members[0]?.names, ["a/very/long/name.txt", "note.txt"]);
});

test("names in CP932 are decoded", () => {
  assert.equal(
    open([{ ...note, name: Buffer.from("905c8d9e8f912e657865", "hex") }]).members[0]?.names[0],
    "申込書.exe",
  );
});

test("a sparse file is unsupported", () => {
  assert.deepEqual(
    open([{ ...note, type: "S" }]).closed.map(({ names, why }) => [names, why]),
    [[["note.txt"], "unsupported"]],
  );
  const pax = open([{ name: "x", type: "x", data: paxRecord("GNU.sparse.major", "1") }, note]);
  assert.equal(pax.closed[0]?.why, "unsupported");
});

test("another archive behind the end is read too, and odd", () => {
  const { members, odd } = collect(
    tarExtractor,
    Buffer.concat([tar([note]), tar([{ name: "second.txt", data: "more" }])]),
  );
  assert.deepEqual(
    members.map(({ text }) => text),
    ["a note", "more"],
  );
  assert.deepEqual(odd, ["medium tar.trailing"]);
});

test("other data behind the end are a member", () => {
  const { members, odd } = collect(tarExtractor, Buffer.concat([tar([note]), Buffer.from("something else")]));
  assert.deepEqual(
    members.map(({ text }) => text),
    ["a note", "something else"],
  );
  assert.deepEqual(odd, ["medium tar.trailing"]);
});

test("a wrong checksum or a file that breaks off is malformed, and gives what it can", () => {
  const damaged = tar([note]);
  damaged[0] = 0x58;
  const wrong = collect(tarExtractor, damaged);
  assert.deepEqual([wrong.members[0]?.text, wrong.closed[0]?.why], ["a note", "malformed"]);
  const cut = collect(tarExtractor, tar([{ ...note, size: 5000 }]));
  assert.equal(cut.closed[0]?.why, "malformed");
});

test("two sizes for one file are a contradiction: readers would differ on what follows", () => {
  const { odd } = open([
    { name: "x", type: "x", data: paxRecord("size", "1024") },
    { ...note, data: tar([note]).subarray(0, 1024), size: 0 },
  ]);
  assert.deepEqual(odd, ["high tar.contradiction"]);
});

test("what is no tar is malformed", () => {
  assert.equal(collect(tarExtractor, Buffer.alloc(2048, 0x41)).stop?.why, "malformed");
});
