import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Refused, wholesome } from "../../../src/accept/octets.ts";
import { code } from "../../../src/core/status.ts";

const limits = { message_size: 200, header_size: 40, max_received: 2 };

async function* pieces(text: string, cuts: readonly number[]): AsyncGenerator<Buffer> {
  const bounds = [0, ...[...cuts].sort((a, b) => a - b).map((cut) => Math.min(cut, text.length)), text.length];
  for (const [i, from] of bounds.slice(0, -1).entries()) yield Buffer.from(text.slice(from, bounds[i + 1]), "latin1");
}

/** The octets, or the code of the refusal. */
async function pass(
  text: string,
  cuts: readonly number[] = [],
  fault: "bare" | "long" | null = null,
): Promise<string | number> {
  const all: Buffer[] = [];
  try {
    for await (const piece of wholesome(pieces(text, cuts), limits, () => fault)) all.push(piece);
  } catch (error) {
    if (error instanceof Refused) return code(error.reply.status);
    throw error;
  }
  return Buffer.concat(all).toString("latin1");
}

const loop = `${"Received: x\r\n".repeat(3)}\r\nbody\r\n`;

test("passes on what is within the limits, octet for octet, wherever it is cut", async () => {
  for (const text of [
    "",
    "\r\n",
    "\r\nbody only\r\n",
    "A: b\r\n\r\nbody\r\n",
    "no header end\r\n",
    `\r\n${"Received: x\r\n".repeat(12)}`,
    `A: b\r\n\r\n${"x".repeat(150)}\r\n`,
  ])
    for (let cut = 0; cut <= text.length; cut++) assert.equal(await pass(text, [cut, cut + 1]), text);
});

test("refuses size, header and loops, wherever the message is cut", async () => {
  const cases: readonly (readonly [string, number])[] = [
    [`A: b\r\n\r\n${"x".repeat(200)}`, 552],
    [`A: ${"b".repeat(40)}\r\n\r\n`, 552],
    ["x".repeat(41), 552],
    [loop, 554],
    [loop.slice(0, 39), 554],
  ];
  for (const [text, wanted] of cases)
    for (let cut = 0; cut <= text.length; cut++)
      assert.equal(await pass(text, [cut, cut + 3]), wanted, `${text} at ${cut}`);
});

test("what the feed has seen refuses the message at its end", async () => {
  assert.equal(await pass("A: b\r\n\r\n", [], "bare"), 550);
  assert.equal(await pass("A: b\r\n\r\n", [], "long"), 500);
});

test("random cuts do not change the answer", async () => {
  const text = fc.array(fc.constantFrom("\r\n", "Received: x", "a", ": ", "bbbbbbbbbbbbbbbb"), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(text, fc.array(fc.nat(300), { maxLength: 8 }), async (parts, cuts) => {
      assert.equal(await pass(parts.join(""), cuts), await pass(parts.join("")));
    }),
    { numRuns: 500, interruptAfterTimeLimit: 1500 },
  );
});
