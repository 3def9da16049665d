/** Seals: what is sealed comes back whole or not at all. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { isGatewayError } from "../../../src/core/errors.ts";
import { createSeal, parseKey, sealBytes } from "../../../src/seal.ts";

const key = Buffer.alloc(32, 7);
const seal = createSeal(key, "test");
const isBroken = (error: unknown): boolean => isGatewayError(error, "SEAL_BROKEN");

async function* pieces(octets: Uint8Array, size: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < octets.length; at += size) yield octets.subarray(at, at + size);
}
async function gather(octets: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const found: Uint8Array[] = [];
  for await (const chunk of octets) found.push(chunk);
  return Buffer.concat(found);
}

test("what is sealed at once or in pieces opens at once or in pieces", async () => {
  const property = fc.asyncProperty(
    fc.uint8Array({ maxLength: 300 }),
    fc.integer({ min: 1, max: 40 }),
    fc.integer({ min: 1, max: 40 }),
    async (plain, one, other) => {
      const whole = seal.seal(plain, "a thing");
      const streamed = await gather(seal.sealAll(pieces(plain, one), "a thing"));
      assert.equal(whole.length, plain.length + sealBytes);
      assert.equal(streamed.length, plain.length + sealBytes);
      for (const sealed of [whole, streamed]) {
        assert.deepEqual(seal.open(sealed, "a thing"), Buffer.from(plain));
        assert.deepEqual(await gather(seal.openAll(pieces(sealed, other), "a thing")), Buffer.from(plain));
      }
    },
  );
  await fc.assert(property, { interruptAfterTimeLimit: 2_000, numRuns: 100 });
});

test("a changed, cut or longer seal is broken, wherever it was touched", async () => {
  const sealed = seal.seal(Buffer.from("the quick brown fox"), "a thing");
  for (let at = 0; at < sealed.length; at++) {
    const changed = Buffer.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.throws(() => seal.open(changed, "a thing"), isBroken);
    assert.throws(() => seal.open(sealed.subarray(0, at), "a thing"), isBroken);
    await assert.rejects(gather(seal.openAll(pieces(changed, 5), "a thing")), isBroken);
    await assert.rejects(gather(seal.openAll(pieces(sealed.subarray(0, at), 5), "a thing")), isBroken);
  }
  assert.throws(() => seal.open(Buffer.concat([sealed, Buffer.of(0)]), "a thing"), isBroken);
});

test("what was sealed as one thing, for one purpose or under one key opens as no other", () => {
  const sealed = seal.seal(Buffer.from("x"), "job 1");
  assert.throws(() => seal.open(sealed, "job 2"), isBroken);
  assert.throws(() => createSeal(key, "other").open(sealed, "job 1"), isBroken);
  assert.throws(() => createSeal(randomBytes(32), "test").open(sealed, "job 1"), isBroken);
});

test("equal octets have different seals, and equal names the same name", () => {
  const plain = Buffer.from("x");
  assert.notDeepEqual(seal.seal(plain, "a"), seal.seal(plain, "a"));
  assert.equal(seal.nameOf("part"), seal.nameOf("part"));
  assert.notEqual(seal.nameOf("part"), createSeal(randomBytes(32), "test").nameOf("part"));
});

test("a key is 32 octets, in hexadecimal or base64, with or without a line end", () => {
  assert.deepEqual(parseKey(key), key);
  assert.deepEqual(parseKey(Buffer.from(`${key.toString("hex")}\n`)), key);
  assert.deepEqual(parseKey(Buffer.from(`${key.toString("base64")}\n`)), key);
  for (const wrong of ["", "short", "g".repeat(64), "a".repeat(63)]) assert.equal(parseKey(Buffer.from(wrong)), null);
});
