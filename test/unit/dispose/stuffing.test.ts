/** Dot-stuffing over any seams. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Stuffer } from "../../../src/dispose/stuffing.ts";

function stuffed(pieces: readonly Uint8Array[]): string {
  const stuffer = new Stuffer();
  return Buffer.concat([...pieces.map((piece) => stuffer.push(piece)), stuffer.last()]).toString("latin1");
}
const one = (text: string): string => stuffed([Buffer.from(text, "latin1")]);

/** What a receiver makes of it: RFC 5321 §4.5.2, line by line. */
function received(wire: string): string {
  const lines = wire.split("\r\n");
  const end = lines.indexOf(".");
  assert.equal(end, lines.length - 2, "the lone dot is the last line");
  return lines
    .slice(0, end)
    .map((line) => `${line.replace(/^\./, "")}\r\n`)
    .join("");
}

test("dots at the start of lines are doubled, the first line too", () => {
  assert.equal(one(".a\r\n..\r\nb.\r\n.\r\n"), "..a\r\n...\r\nb.\r\n..\r\n.\r\n");
});

test("a missing last CRLF is added, nothing else", () => {
  assert.equal(one("a"), "a\r\n.\r\n");
  assert.equal(one("a\r\n"), "a\r\n.\r\n");
  assert.equal(one("a\r\n\r\n"), "a\r\n\r\n.\r\n");
  assert.equal(one("a\r"), "a\r\r\n.\r\n");
});

test("an empty message is the lone dot", () => {
  assert.equal(one(""), ".\r\n");
  assert.equal(stuffed([]), ".\r\n");
});

test("octets without such dots are passed on without a copy", () => {
  const octets = Buffer.from("a.b\r\nc\r\n");
  assert.equal(new Stuffer().push(octets), octets);
});

test("what is stuffed in any pieces is received as it was", () => {
  const piece = fc
    .array(fc.constantFrom(".", "\r\n", "x", "..", "\r\n.", "é"), { maxLength: 12 })
    .map((bits) => bits.join(""));
  fc.assert(
    fc.property(piece, fc.array(fc.nat(40)), (text, cuts) => {
      const octets = Buffer.from(text, "latin1");
      const at = [0, ...cuts.filter((cut) => cut < octets.length).sort((a, b) => a - b), octets.length];
      const pieces = at.slice(1).map((end, i) => octets.subarray(at[i], end));
      const whole = text === "" || text.endsWith("\r\n") ? text : `${text}\r\n`;
      assert.equal(received(stuffed(pieces)), whole);
    }),
    { numRuns: 1_000 },
  );
});

test("a flood of dots is stuffed as any other message", () => {
  const flood = ".\r\n..\r\n.x\r\n".repeat(5_000);
  assert.equal(received(one(flood)), flood);
  assert.equal(received(stuffed([Buffer.from(`x\r\n${flood}`), Buffer.from(flood)])), `x\r\n${flood}${flood}`);
});
