import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DataFeed, type Fault } from "../../../src/accept/data-feed.ts";

interface Seen {
  readonly octets: string;
  readonly rest: string | null;
  readonly fault: Fault | null;
}

/** Feeds the stream cut at the given places. */
function feed(stream: string, cuts: readonly number[], longestLine = 1 << 16): Seen {
  const data = new DataFeed(longestLine);
  const bounds = [0, ...[...cuts].sort((a, b) => a - b), stream.length];
  let octets = "";
  for (const [i, from] of bounds.slice(0, -1).entries()) {
    const to = bounds[i + 1] ?? 0;
    const taken = data.take(Buffer.from(stream.slice(from, to), "latin1"));
    octets += taken.octets.toString("latin1");
    if (taken.rest) return { octets, rest: taken.rest.toString("latin1") + stream.slice(to), fault: data.fault };
  }
  return { octets, rest: null, fault: data.fault };
}

/** RFC 5321 §4.1.1.4 and §4.5.2 word for word, one octet at a time. */
function reference(stream: string): Seen {
  const all = `\r\n${stream}`;
  const end = all.indexOf("\r\n.\r\n");
  const raw = end === -1 ? all : all.slice(0, end + 2);
  const isBare = /\0/.test(raw) || raw.replaceAll("\r\n", "").search(/[\r\n]/) !== -1;
  const octets = raw.replaceAll("\r\n.", "\r\n").slice(2);
  return { octets: isBare ? "" : octets, rest: end === -1 ? null : all.slice(end + 5), fault: isBare ? "bare" : null };
}

const everyCut = (stream: string): readonly (readonly number[])[] => [
  [],
  Array.from(stream, (_, i) => i),
  ...Array.from(stream, (_, i) => [i]),
];

const endings: readonly (readonly [
  name: string,
  stream: string,
  octets: string,
  rest: string | null,
  fault: Fault | null,
])[] = [
  ["an empty message", ".\r\nQUIT\r\n", "", "QUIT\r\n", null],
  ["a message of one empty line", "\r\n.\r\n", "\r\n", "", null],
  ["a plain message", "Subject: x\r\n\r\nhello\r\n.\r\nNOOP\r\n", "Subject: x\r\n\r\nhello\r\n", "NOOP\r\n", null],
  ["a stuffed dot at the beginning", "..\r\n.\r\n", ".\r\n", "", null],
  ["stuffed dots", "a\r\n..\r\n...b\r\n.c\r\n.\r\n", "a\r\n.\r\n..b\r\nc\r\n", "", null],
  ["no end after a dot inside a line", "a.\r\n.\r\n", "a.\r\n", "", null],
  ["LF.LF", "a\n.\nMAIL\r\n.\r\n", "", "", "bare"],
  ["LF.CRLF", "a\n.\r\nMAIL\r\n.\r\n", "", "", "bare"],
  ["CRLF.LF", "a\r\n.\nMAIL\r\n.\r\n", "", "", "bare"],
  ["CRLF.CR", "a\r\n.\rMAIL\r\n.\r\n", "", "", "bare"],
  ["CR.CR", "a\r.\rMAIL\r\n.\r\n", "", "", "bare"],
  ["CR.CRLF", "a\r.\r\nMAIL\r\n.\r\n", "", "", "bare"],
  ["CR CRLF.CRLF", "a\r\r\n.\r\nMAIL\r\n", "", "MAIL\r\n", "bare"],
  ["CRLF.CR CRLF", "a\r\n.\r\r\nMAIL\r\n.\r\n", "", "", "bare"],
  ["CRLF NUL.CRLF", "a\r\n\0.\r\nMAIL\r\n.\r\n", "", "", "bare"],
  ["a message that does not end", "a\r\nb", "a\r\nb", null, null],
];

test("only CRLF.CRLF ends a message, wherever the stream is cut", () => {
  for (const [name, stream, octets, rest, fault] of endings)
    for (const cuts of everyCut(stream)) {
      const seen = feed(stream, cuts);
      assert.equal(seen.fault, fault, `${name}, cut at ${cuts.join()}`);
      assert.equal(seen.rest, rest, `${name}, cut at ${cuts.join()}`);
      if (!fault && rest !== null) assert.equal(seen.octets, octets, `${name}, cut at ${cuts.join()}`);
    }
});

const hostile = fc
  .array(fc.constantFrom("\r", "\n", "\r\n", ".", "..", "\r\n.", "\r\n.\r\n", "\0", "a", "b.c", "\xff"), {
    maxLength: 24,
  })
  .map((pieces) => pieces.join(""));
const lawful = fc
  .array(fc.constantFrom("\r\n", ".", "..", "a", "\r\n.x", "b.c", "\xff\x80", "\r\n..\r\n"), { maxLength: 24 })
  .map((pieces) => `${pieces.join("")}\r\n.\r\nrest`);
const cutting = fc.array(fc.nat(60), { maxLength: 6 });

test("random cuts of hostile streams give what the RFC says, octet by octet", () => {
  fc.assert(
    fc.property(fc.oneof(hostile, lawful), cutting, (stream, cuts) => {
      const seen = feed(
        stream,
        cuts.map((cut) => Math.min(cut, stream.length)),
      );
      const wanted = reference(stream);
      assert.equal(seen.rest, wanted.rest);
      if (wanted.rest === null) {
        assert.ok(seen.fault === null || wanted.fault !== null, "no fault in what is lawful so far");
        if (!wanted.fault) assert.ok(wanted.octets.startsWith(seen.octets));
      } else {
        assert.equal(seen.fault, wanted.fault);
        if (!wanted.fault) assert.equal(seen.octets, wanted.octets);
      }
    }),
    { numRuns: 5000, interruptAfterTimeLimit: 2000 },
  );
});

test("un-stuffing gives back what was stuffed", () => {
  const message = fc.array(fc.constantFrom(".", "..", "a", "\r\n", "\r\n.", "é"), { maxLength: 40 });
  fc.assert(
    fc.property(message, cutting, (pieces, cuts) => {
      const text = `${Buffer.from(pieces.join("")).toString("latin1")}\r\n`;
      const stuffed = `\r\n${text}`.replaceAll("\r\n.", "\r\n..").slice(2);
      const seen = feed(
        `${stuffed}.\r\n`,
        cuts.map((cut) => Math.min(cut, stuffed.length)),
      );
      assert.deepEqual(seen, { octets: text, rest: "", fault: null });
    }),
    { numRuns: 2000, interruptAfterTimeLimit: 2000 },
  );
});

test("nothing is passed on after a fault, and the octets are still counted", () => {
  const data = new DataFeed(1 << 16);
  assert.equal(data.take(Buffer.from("good\r\n")).octets.toString(), "good");
  assert.equal(data.take(Buffer.from("bad\nbad\r\n")).octets.length, 0);
  const last = data.take(Buffer.from("good again\r\n.\r\n"));
  assert.deepEqual([last.octets.length, last.rest?.length, data.fault, data.count], [0, 0, "bare", 27]);
});

test("a line over the limit is seen wherever the stream is cut, and one at the limit is not", () => {
  for (const [length, fault] of [
    [8, null],
    [9, "long"],
  ] as const) {
    const stream = `ab\r\n${"x".repeat(length)}\r\nc\r\n\r\n.\r\n`;
    for (const cuts of everyCut(stream)) assert.equal(feed(stream, cuts, 10).fault, fault, `${length}, ${cuts.join()}`);
  }
});

test("a line that never ends is refused before it is whole", () => {
  const data = new DataFeed(1000);
  for (let i = 0; i < 3; i++) data.take(Buffer.alloc(400, "x"));
  assert.equal(data.fault, "long");
});

test("a flood of stuffed lines gives the same as a few of them", () => {
  for (const lines of [1, 63, 64, 65, 5000]) {
    const seen = feed(`${"..a\r\n".repeat(lines)}.\r\n`, []);
    assert.deepEqual(seen, { octets: ".a\r\n".repeat(lines), rest: "", fault: null });
    for (const bad of ["\n..a\r\n", "\r..a\r\n", "..\0\r\n", "\r\r\n"])
      assert.equal(feed(`${"..a\r\n".repeat(lines)}${bad}.\r\n`, []).fault, "bare", `${lines}`);
  }
});
