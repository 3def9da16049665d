/** Nearest names, globs and networks. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { globMatches } from "../../../src/core/glob.ts";
import { nearest } from "../../../src/core/nearest.ts";
import { inNetwork, parseAddress, parseNetwork } from "../../../src/core/network.ts";

test("a mistyped name finds its neighbour, a strange one finds none", () => {
  const known = ["next_hop", "domains", "reply_after"];
  assert.equal(nearest("nexthop", known), "next_hop");
  assert.equal(nearest("domain", known), "domains");
  assert.equal(nearest("Reply-After", known), "reply_after");
  assert.equal(nearest("wsam", ["native", "wasm"]), "wasm");
  assert.equal(nearest("colour", known), null);
  assert.equal(nearest("x".repeat(100_000), known), null);
});

test("a glob matches whole names, with stars and question marks", () => {
  assert.ok(globMatches("office.*", "office.macro"));
  assert.ok(globMatches("*.exe", "a.b.exe"));
  assert.ok(globMatches("?.exe", "a.exe"));
  assert.ok(!globMatches("*.exe", "a.exe.txt"));
  assert.ok(!globMatches("", "a"));
  assert.ok(globMatches("**", ""));
});

test("a glob agrees with the regular expression of the same meaning", () => {
  const piece = fc.array(fc.constantFrom("a", "b", ".", "*", "?"), { maxLength: 8 }).map((all) => all.join(""));
  const text = fc.array(fc.constantFrom("a", "b", "."), { maxLength: 12 }).map((all) => all.join(""));
  fc.assert(
    fc.property(piece, text, (pattern, name) => {
      const source = pattern.replaceAll(".", "\\.").replaceAll("*", ".*").replaceAll("?", ".");
      assert.equal(globMatches(pattern, name), new RegExp(`^${source}$`).test(name));
    }),
  );
});

test("a hostile pair of glob and name ends soon", () => {
  const started = performance.now();
  assert.equal(globMatches(`${"*a".repeat(50)}b`, "a".repeat(10_000)), false);
  assert.ok(performance.now() - started < 1000);
});

test("a network holds its addresses, IPv4 also in their IPv6 form", () => {
  const holds = (network: string, address: string): boolean => {
    const parsed = parseNetwork(network);
    assert.ok(parsed, network);
    return inNetwork(address, parsed);
  };
  assert.ok(holds("192.0.2.0/24", "192.0.2.255"));
  assert.ok(holds("192.0.2.0/24", "::ffff:192.0.2.7"));
  assert.ok(!holds("192.0.2.0/25", "192.0.2.128"));
  assert.ok(holds("2001:db8::/32", "2001:db8:ffff::1"));
  assert.ok(!holds("2001:db8::/32", "2001:db9::1"));
  assert.ok(holds("0.0.0.0/0", "203.0.113.9"));
  assert.ok(!holds("0.0.0.0/0", "2001:db8::1"));
  assert.ok(holds("::/0", "203.0.113.9"));
  assert.ok(!holds("192.0.2.1", "no address"));
});

test("what is no address or network is told apart", () => {
  for (const text of ["", "1.2.3", "1.2.3.256", "01.2.3.4", "1::2::3", "1:2:3:4:5:6:7:8:9", "::g", "1.2.3.4:25"])
    assert.equal(parseAddress(text), null, text);
  for (const text of ["192.0.2.0/33", "2001:db8::/129", "192.0.2.0/", "192.0.2.0/8/8"])
    assert.equal(parseNetwork(text), null, text);
  assert.deepEqual(parseAddress("1:2:3:4:5:6:7::"), [1, 2, 3, 4, 5, 6, 7, 0]);
});
