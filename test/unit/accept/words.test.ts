import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { says } from "../../../src/core/replies.ts";
import { line, reasonFor, worded } from "../../../src/accept/reply.ts";
import { checkSeam } from "../../../src/accept/seam.ts";
import { enhanced, format, reply } from "../../../src/core/status.ts";

test("each reply has an enhanced code of its own class and a text on one line", () => {
  for (const [name, said] of Object.entries(says)) {
    assert.match(format(said), /^(2|4|5)\d\d \1\.\d+\.\d+ [ -~]{2,200}$/, name);
    assert.equal(reasonFor(said), name);
  }
});

test("whoever wrote a text, the client gets one line of ASCII within 512 octets", () => {
  const hostile = line(reply(5, 50, "7.1", `a\r\n250 ok\0é${"x".repeat(1000)}`));
  assert.match(hostile.text, /^5\.7\.1 a\?250 ok\?x+$/);
  assert.ok(`${hostile.code} ${hostile.text}\r\n`.length <= 512);
});

test("no words of the library reach a client", () => {
  const file = fileURLToPath(import.meta.resolve("smtp-server/lib/smtp-connection.js"));
  const calls = [...readFileSync(file, "utf8").matchAll(/this\.send\((\d{3}), '([^']*)'(?:[^)]*?'([A-Z_]+)')?/g)];
  assert.ok(calls.length > 40);
  for (const [, code = "", text = "", context = ""] of calls) {
    const said = worded(Number(code), text, context);
    assert.ok(Object.values<unknown>(says).includes(said), text);
    assert.ok(!format(said).includes("Error:"), text);
    if (code.startsWith("5")) assert.notEqual(enhanced(said.status)[0], "2", text);
  }
});

test("a library that we have not read is refused at the start", () => {
  checkSeam();
  assert.throws(() => checkSeam("3.21.7"), /3\.21\.6 is needed, 3\.21\.7 is installed/);
  assert.throws(() => checkSeam(undefined, new Map([[Map, { get: 2 }]])), /Map\.get is not as expected/);
  assert.throws(() => checkSeam(undefined, new Map([[Map, { missing: 0 }]])), /Map\.missing/);
});
