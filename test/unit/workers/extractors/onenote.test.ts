import assert from "node:assert/strict";
import { test } from "node:test";
import { png } from "../../../../fixtures/documents.ts";
import { peStub } from "../../../../fixtures/make.ts";
import { oneNote } from "../../../../fixtures/make-onenote.ts";
import { oneNoteExtractor } from "../../../../workers/extractors/onenote.ts";
import { given } from "../../../support/given.ts";

const look = (bytes: Buffer) => given(oneNoteExtractor, bytes, { types: ["application/onenote"] });

test("files on pages come out under their names, pictures without one", () => {
  const { members, closed } = look(oneNote([{ data: png() }, { name: "run.exe", data: peStub() }]));
  assert.deepEqual(
    members.map(([names, hex]) => [names, hex.length / 2]),
    [
      [[], png().length],
      [["run.exe"], peStub().length],
    ],
  );
  assert.deepEqual(closed, []);
});

test("where names cannot be told apart, each file may have each of them", () => {
  const { members } = look(oneNote([{ name: "a.txt", data: "one" }, { data: "two" }]));
  assert.deepEqual(
    members.map(([names]) => names),
    [["a.txt"], ["a.txt"]],
  );
});

test("a file that breaks off is said to", () => {
  const { members, closed } = look(oneNote([{ name: "a.bin", data: Buffer.alloc(5000, 7) }]).subarray(0, -100));
  assert.deepEqual([members.length, closed], [1, ["malformed"]]);
});
