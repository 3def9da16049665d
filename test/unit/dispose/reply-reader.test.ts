/** Replies of next hops, sane and otherwise. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isGatewayError } from "../../../src/core/errors.ts";
import { format } from "../../../src/core/status.ts";
import { type RawReply, ReplyReader, toReply } from "../../../src/dispose/reply-reader.ts";

const read = (text: string | Uint8Array): RawReply[] => new ReplyReader().feed(Buffer.from(text));
const said = (text: string): string[] => read(text).map((raw) => format(toReply(raw)));
const refuses = (text: string): void =>
  assert.throws(
    () => said(text),
    (error) => isGatewayError(error, "NEXT_HOP_PROTOCOL"),
  );

test("a reply keeps its code, enhanced code and text", () => {
  assert.deepEqual(said("250 2.1.5 ok\r\n550 5.7.1 no, thanks\r\n"), ["250 2.1.5 ok", "550 5.7.1 no, thanks"]);
});

test("lines of one reply become one text, the enhanced code is said once", () => {
  assert.deepEqual(said("550-5.1.1 no such\r\n550-5.1.1 user\r\n550 5.1.1 here\r\n"), ["550 5.1.1 no such user here"]);
});

test("without an enhanced code it is that of the class", () => {
  assert.deepEqual(said("250\r\n452 full\r\n550 no\r\n"), ["250 2.0.0 ", "452 4.0.0 full", "550 5.0.0 no"]);
});

test("the reply code decides the class where the enhanced code disagrees", () => {
  assert.deepEqual(said("450 5.1.1 wait\r\n"), ["450 4.1.1 wait"]);
});

test("421 of the next hop becomes 451, since our own channel stays open", () => {
  assert.deepEqual(said("421 4.3.2 going down\r\n"), ["451 4.3.2 going down"]);
});

test("a bare LF ends a line too", () => assert.deepEqual(said("250-a\n250 b\n"), ["250 2.0.0 a b"]));

test("control characters and octets above ASCII never reach our client", () => {
  assert.deepEqual(said("550 5.1.1 \x1b[2J\x07x\ty\r\n"), ["550 5.1.1 ?[2J?x y"]);
  assert.deepEqual(said("550 5.1.1 利用者\r\n"), ["550 5.1.1 ?"]);
});

test("the text is cut at 500 characters", () => assert.equal(said(`550 5.1.1 ${"x".repeat(900)}\r\n`)[0]?.length, 510));

test("nonsense is refused: no code, a strange code, two codes in one reply", () => {
  for (const text of [
    "hello\r\n",
    "99 x\r\n",
    "650 x\r\n",
    "150 x\r\n",
    "25O x\r\n",
    "250x\r\n",
    "250-a\r\n251 b\r\n",
    "\r\n",
  ])
    refuses(text);
});

test("endless lines and endless replies are refused", () => {
  refuses("2".repeat(5_000));
  refuses(`250 ${"x".repeat(5_000)}\r\n`);
  refuses("250-x\r\n".repeat(300));
});

test("a 3yz is no final reply", () => refuses("354 go\r\n"));

test("it does not matter in which pieces a reply comes", () => {
  const text = Buffer.from("250-mx.test\r\n250-SIZE 5\r\n250 PIPELINING\r\n354 go\r\n550 5.1.1 no\r\n");
  fc.assert(
    fc.property(fc.array(fc.nat(text.length)), (cuts) => {
      const reader = new ReplyReader();
      const at = [0, ...cuts.sort((a, b) => a - b), text.length];
      const pieces = at.slice(1).map((end, i) => text.subarray(at[i], end));
      assert.deepEqual(
        pieces.flatMap((piece) => reader.feed(piece)),
        read(text),
      );
    }),
  );
});

test("any octets give replies or the one error, and the text is always printable", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom("", "250 ", "550-5.1.1 ", "4"), (octets, start) => {
      try {
        for (const raw of read(Buffer.concat([Buffer.from(start), octets, Buffer.from("\r\n")])))
          assert.match(toReply(raw).text, /^[ -~]*$/);
      } catch (error) {
        if (!isGatewayError(error, "NEXT_HOP_PROTOCOL")) throw error;
      }
    }),
  );
});
