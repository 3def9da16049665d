/** Codes of authenticator apps against the vectors of RFC 6238, appendix B, in six digits; passwords. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hashPassword, isPassword } from "../../../src/accounts/password.ts";
import { waitAfter } from "../../../src/accounts/sign-in.ts";
import { newTotpSecret, stepAt, totpCode, totpStep } from "../../../src/accounts/totp.ts";

/** "12345678901234567890" in Base32. */
const secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

for (const [seconds, code] of [
  [59, "287082"],
  [1_111_111_109, "081804"],
  [1_111_111_111, "050471"],
  [1_234_567_890, "005924"],
  [2_000_000_000, "279037"],
  [20_000_000_000, "353130"],
] as const)
  test(`the code at ${seconds} s is ${code}`, () => {
    assert.equal(totpCode(secret, stepAt(new Date(seconds * 1000))), code);
  });

test("a code counts in its step and the two beside it, and never twice", () => {
  const now = new Date("2026-11-22T10:00:00Z");
  const step = stepAt(now);
  for (const off of [-1, 0, 1]) assert.equal(totpStep(secret, totpCode(secret, step + off), now, 0), step + off);
  assert.equal(totpStep(secret, totpCode(secret, step + 2), now, 0), null);
  assert.equal(totpStep(secret, totpCode(secret, step), now, step), null);
  assert.equal(totpStep(secret, "", now, 0), null);
});

test("secrets differ and are 160 bits of Base32", () => {
  assert.match(newTotpSecret(), /^[A-Z2-7]{32}$/);
  assert.notEqual(newTotpSecret(), newTotpSecret());
});

test("a password is kept as argon2id, and only it is right", async () => {
  const stored = await hashPassword("Käse ist gut für mich");
  assert.match(stored, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  assert.equal(await isPassword("Ka\u0308se ist gut fu\u0308r mich", stored), true, "however it was typed");
  assert.equal(await isPassword("Käse ist gut", stored), false);
  assert.equal(await isPassword("", null), false);
  assert.equal(await isPassword("x", "plain text"), false);
});

test("the wait doubles from the fifth mistake up to a quarter of an hour", () => {
  assert.deepEqual(
    [4, 5, 6, 7, 12, 13, 1_000_000].map(waitAfter),
    [0, 5000, 10_000, 20_000, 640_000, 900_000, 900_000],
  );
});
