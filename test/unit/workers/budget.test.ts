import assert from "node:assert/strict";
import { test } from "node:test";
import type { InspectLimits } from "../../../src/core/job.ts";
import { createPurse, payForDamage, payForOverflow } from "../../../workers/budget.ts";
import { Stop } from "../../../workers/extractors/extractor.ts";

const mebibyte = 1024 * 1024;
const limits: InspectLimits = { members: 3, bytes: 10 * mebibyte, memberBytes: 4 * mebibyte, depth: 3, ratio: 10 };
const isLimit = (error: unknown) => error instanceof Stop && error.why === "limit";

test("a purse counts members and octets, and stops before the cost that is too much", () => {
  const purse = createPurse(limits);
  purse.spend({ members: 3, bytes: mebibyte });
  assert.throws(() => purse.spend({ members: 1 }), isLimit);
  assert.throws(() => purse.spend({ bytes: 10 * mebibyte }), isLimit);
  assert.deepEqual(purse.spent, { members: 3, bytes: mebibyte });
});

test("the room of a member is the least of what is left", () => {
  const purse = createPurse(limits);
  assert.equal(purse.memberRoom, 4 * mebibyte);
  purse.spend({ bytes: 8 * mebibyte });
  assert.equal(purse.memberRoom, 2 * mebibyte);
});

test("a container may produce one mebibyte whatever its size, and then so many times its size", () => {
  const purse = createPurse(limits);
  assert.equal(purse.container(10).memberRoom, mebibyte);
  const larger = purse.container(300 * 1024);
  assert.equal(larger.memberRoom, 3000 * 1024);
  larger.spend({ bytes: 3000 * 1024 });
  assert.throws(() => larger.spend({ bytes: 1 }), /times the size/);
  purse.container(mebibyte).spend({ bytes: 1 });
  assert.equal(purse.spent.bytes, 3000 * 1024 + 1);
});

test("a member that does not fit is paid for, and the others go on while something is left", () => {
  const purse = createPurse(limits);
  payForOverflow(purse);
  payForOverflow(purse);
  assert.equal(purse.spent.bytes, 8 * mebibyte);
  assert.throws(() => payForOverflow(purse), isLimit);
});

test("damaged data cost a fixed multiple of their size, and never more than there is room", () => {
  const purse = createPurse(limits);
  payForDamage(purse, 1000);
  assert.equal(purse.spent.bytes, 64_000);
  payForDamage(purse, 10 * mebibyte);
  assert.equal(purse.spent.bytes, 64_000 + 4 * mebibyte);
});
