import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readProxyHeader } from "../../../src/accept/proxy-header.ts";

const signature = "0d0a0d0a000d0a515549540a";
const v2 = (command: string, family: string, size: string, body = ""): Buffer =>
  Buffer.from(signature + command + family + size + body, "hex");
const v4Body = "c0000207" + "c6336401" + "9c40" + "0019";

test("reads both versions, and every beginning of a header is not complete yet", () => {
  const headers: readonly (readonly [Buffer, object | null])[] = [
    [Buffer.from("PROXY TCP4 192.0.2.7 198.51.100.1 40000 25\r\n"), { address: "192.0.2.7", port: 40000 }],
    [Buffer.from("PROXY TCP6 2001:db8::7 2001:db8::1 40000 25\r\n"), { address: "2001:db8::7", port: 40000 }],
    [Buffer.from("PROXY UNKNOWN\r\n"), null],
    [Buffer.from("PROXY UNKNOWN ffff:f:f ffff::1 65535 65535\r\n"), null],
    [v2("21", "11", "000c", v4Body), { address: "192.0.2.7", port: 40000 }],
    [v2("21", "11", "0011", `${v4Body}0400024142`), { address: "192.0.2.7", port: 40000 }],
    [v2("20", "00", "0000"), null],
    [v2("20", "11", "000c", v4Body), null],
    [v2("21", "31", "0004", "00000000"), null],
  ];
  for (const [header, source] of headers) {
    assert.deepEqual(readProxyHeader(Buffer.concat([header, Buffer.from("EHLO x\r\n")])), {
      kind: "header",
      source,
      length: header.length,
    });
    for (let length = 0; length < header.length; length++)
      assert.equal(
        readProxyHeader(header.subarray(0, length)).kind,
        "more",
        `${header.toString("latin1")} at ${length}`,
      );
  }
});

test("refuses what is no header", () => {
  for (const bad of [
    Buffer.from("EHLO x\r\n"),
    Buffer.from("PROXY TCP4 192.0.2.7 198.51.100.1 40000\r\n"),
    Buffer.from("PROXY TCP4 2001:db8::7 198.51.100.1 40000 25\r\n"),
    Buffer.from("PROXY TCP4 192.0.2.7 198.51.100.1 70000 25\r\n"),
    Buffer.from("PROXY TCP4  192.0.2.7 198.51.100.1 40000 25\r\n"),
    Buffer.from("PROXY TCP4 host.example 198.51.100.1 40000 25\r\n"),
    Buffer.from("PROXY TCP9 192.0.2.7 198.51.100.1 40000 25\r\n"),
    Buffer.from(`PROXY TCP4 ${"1".repeat(200)}`),
    v2("11", "11", "000c", v4Body),
    v2("22", "11", "000c", v4Body),
    v2("21", "11", "000b", v4Body.slice(2)),
    v2("21", "21", "000c", v4Body),
    v2("21", "11", "ffff"),
  ])
    assert.equal(readProxyHeader(bad).kind, "bad", bad.toString("latin1"));
});

test("any octets are judged without waiting for more than a header may have", () => {
  const start = fc.constantFrom("", "PROXY ", "PROXY TCP4 ", Buffer.from(signature, "hex").toString("latin1"));
  fc.assert(
    fc.property(start, fc.uint8Array({ minLength: 5000, maxLength: 5000 }), (prefix, tail) => {
      assert.notEqual(readProxyHeader(Buffer.concat([Buffer.from(prefix, "latin1"), tail])).kind, "more");
    }),
    { numRuns: 200 },
  );
});
