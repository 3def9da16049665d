import assert from "node:assert/strict";
import { test } from "node:test";
import { vbaCompress } from "../../../../fixtures/make-vba.ts";
import { accessExtractor } from "../../../../workers/extractors/access.ts";
import { given } from "../../../support/given.ts";

const head = Buffer.concat([Buffer.from("\0\x01\0\0Standard ACE DB\0", "latin1"), Buffer.alloc(4077)]);
const source = 'Attribute VB_Name = "Start"\r\nSub AutoExec()\r\n  MsgBox "harmless"\r\nEnd Sub\r\n';
const types = ["application/vnd.ms-access"];

test("modules are found in the pages of a database", () => {
  const { macro, closed } = given(
    accessExtractor,
    Buffer.concat([head, vbaCompress(Buffer.from(source)), Buffer.alloc(500)]),
    { types },
  );
  assert.ok(macro.includes(source));
  assert.deepEqual(closed, []);
});

test("a database without modules has nothing to say", () => {
  assert.deepEqual(given(accessExtractor, head, { types }).macro, "");
});

test("beginnings of modules that hold nothing end", () => {
  const marks = Buffer.concat(Array.from({ length: 5000 }, () => vbaCompress(Buffer.from(source)).subarray(0, 30)));
  const { closed } = given(accessExtractor, Buffer.concat([head, marks]), { types });
  assert.ok(closed.length === 0 || closed[0] === "stop limit");
});
