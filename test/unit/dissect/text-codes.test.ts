/** yEnc and BinHex: what stands in texts of other networks. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeBinhex, findBinhexFiles } from "../../../src/dissect/binhex.ts";
import { decodeYenc, findYencFiles } from "../../../src/dissect/yenc.ts";
import { binhex, yenc } from "../../support/text-codes.ts";

const everyOctet = Buffer.from(Array.from({ length: 1024 }, (_, at) => at & 255));

test("yEnc: a file is found in a text, with its name and its end", () => {
  const text = Buffer.concat([Buffer.from("before\r\n"), yenc("a b.bin", everyOctet), Buffer.from("after\r\n")]);
  const { files, more } = findYencFiles(text, 0, text.length);
  assert.deepEqual(
    files.map(({ name, open }) => ({ name, open })),
    [{ name: "a b.bin", open: false }],
  );
  assert.equal(more, false);
  assert.deepEqual(decodeYenc(text.subarray(files[0]?.start, files[0]?.end)), everyOctet);
});

test("yEnc: one part of several, and a file without its end", () => {
  const [begin = "", ...rest] = yenc("x", everyOctet).toString("latin1").split("\r\n");
  const parted = [`${begin}`, "=ypart begin=1 end=1024", ...rest].join("\r\n");
  assert.deepEqual(decodeYenc(Buffer.from(parted, "latin1")), everyOctet);
  const open = Buffer.from([begin, ...rest.slice(0, -2)].join("\r\n"), "latin1");
  assert.deepEqual(decodeYenc(open), everyOctet);
  assert.equal(findYencFiles(open, 0, open.length).files[0]?.open, true);
});

test("yEnc: a line that only speaks of it is none, and a thousand beginnings cost one search for the end", () => {
  const quoted = Buffer.from("it starts with =ybegin size=1 name=x\r\n=ybegin and so on\r\n");
  assert.deepEqual(findYencFiles(quoted, 0, quoted.length).files, []);
  const many = Buffer.from("=ybegin size=1 name=x\n".repeat(200_000));
  assert.ok(findYencFiles(many, 0, many.length).files.length === 1);
});

test("BinHex: forks and name come out, runs are unpacked", () => {
  const resource = Buffer.alloc(300, 0x90);
  const file = Buffer.concat([Buffer.from("Hi,\r\n\r\n"), binhex("read me", everyOctet, resource), Buffer.from("bye")]);
  const [found] = findBinhexFiles(file, 0, file.length).files;
  assert.ok(found && !found.open);
  const content = decodeBinhex(file.subarray(found.start, found.end), 10_000);
  assert.deepEqual(content, { name: "read me", data: everyOctet, resource, cut: null });
});

test("BinHex: what breaks off, or grows beyond the limit, says so", () => {
  const file = binhex("x", Buffer.alloc(100_000));
  assert.equal(decodeBinhex(file, 5000)?.cut, "limit");
  assert.ok((decodeBinhex(file, 5000)?.data.length ?? 0) < 5000);
  assert.equal(decodeBinhex(binhex("x", everyOctet).subarray(0, 900), 5000)?.cut, "end");
  assert.equal(decodeBinhex(Buffer.from("no colon here"), 5000), null);
});
