import assert from "node:assert/strict";
import { test } from "node:test";
import { compound } from "../../../../fixtures/make-ole.ts";
import { readCfb } from "../../../../workers/formats/cfb.ts";

const word = "0609020000000000c000000000000046";
const large = Buffer.from(Array.from({ length: 9000 }, (_, index) => index % 251));
const nodes = [
  { name: "WordDocument", data: large },
  {
    name: "ObjectPool",
    children: [{ name: "_1", classId: word, children: [{ name: "\x01Ole10Native", data: "small" }] }],
  },
  { name: "empty", data: "" },
];

test("streams large and small are read along their chains, wherever the sectors lie", () => {
  for (const scattered of [false, true]) {
    const cfb = readCfb(compound(nodes, { classId: word, scattered }));
    assert.ok(cfb);
    assert.equal(cfb.classId, "00020906-0000-0000-c000-000000000046");
    const read = (name: string) => cfb.entries.filter((entry) => entry.name === name).map((entry) => cfb.read(entry));
    assert.deepEqual(read("WordDocument"), [{ bytes: large, whole: true }]);
    assert.deepEqual(read("\x01Ole10Native"), [{ bytes: Buffer.from("small"), whole: true }]);
    assert.deepEqual(read("empty"), [{ bytes: Buffer.alloc(0), whole: true }]);
  }
});

test("the tree of storages gives each entry its path and storages their class", () => {
  const cfb = readCfb(compound(nodes));
  assert.deepEqual(
    cfb?.entries.map(({ path, classId }) => [path.join("/"), classId]),
    [
      ["", ""],
      ["worddocument", ""],
      ["objectpool", ""],
      ["objectpool/_1", "00020906-0000-0000-c000-000000000046"],
      ["objectpool/_1/\x01ole10native", ""],
      ["empty", ""],
    ],
  );
});

test("a stream that is cut says that it is not whole, and gives what is there", () => {
  const cfb = readCfb(compound([{ name: "x", data: large }]).subarray(0, 3000));
  assert.equal(cfb?.entries.length, 0);
  const file = compound([{ name: "x", data: large }], { scattered: true });
  // The size that its entry declares.
  const at = file.indexOf(Buffer.from("x\0", "latin1"), 512 + 9216) + 120;
  file.writeUInt32LE(60_000, at);
  const lying = readCfb(file);
  const entry = lying?.entries[1];
  assert.ok(lying && entry);
  const { bytes, whole } = lying.read(entry);
  assert.deepEqual([bytes.length, whole], [9216, false]);
});

test("streams that share their sectors give no more than a few times the file", () => {
  const file = compound(
    Array.from({ length: 200 }, (_, index) => ({ name: `s${index}`, data: index === 0 ? large : "" })),
  );
  const directory = file.indexOf(Buffer.from("Root Entry", "utf16le"));
  const first = file.subarray(directory + 128 + 116, directory + 128 + 124);
  for (let index = 2; index <= 200; index++) first.copy(file, directory + index * 128 + 116);
  const cfb = readCfb(file);
  assert.ok(cfb);
  const total = cfb.entries.reduce((sum, entry) => sum + cfb.read(entry).bytes.length, 0);
  assert.ok(total > 2 * large.length && total <= 8 * file.length, String(total));
});

test("chains and trees that run in circles end", () => {
  const file = compound(nodes);
  const directory = file.indexOf(Buffer.from("Root Entry", "utf16le"));
  for (let index = 0; index < 6; index++)
    for (const link of [68, 72, 76]) file.writeUInt32LE(index === 0 ? 1 : 0, directory + index * 128 + link);
  assert.equal(readCfb(file)?.entries.length, 6);
  const fat = file.length - 512;
  for (let at = fat; at < file.length; at += 4) file.writeUInt32LE(0, at);
  readCfb(file);
});

test("anything else is no compound file", () => {
  assert.equal(readCfb(Buffer.alloc(1000)), null);
  assert.equal(readCfb(Buffer.concat([Buffer.from("d0cf11e0a1b11ae1", "hex"), Buffer.alloc(1000)])), null);
});
