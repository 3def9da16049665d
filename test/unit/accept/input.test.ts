import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Input } from "../../../src/accept/input.ts";
import { format } from "../../../src/core/status.ts";
import { systemClock } from "../../../src/observe/clock.ts";

const limits = { message_size: 1 << 20, line_length: 1 << 16, slowest_data: 1 };

/** Runs a session, cut into chunks, and tells what was seen: commands, messages, bad lines. `slowly`: answers come later. */
async function session(stream: string, cuts: readonly number[], slowly: boolean): Promise<readonly string[]> {
  const seen: string[] = [];
  const later = (go: () => void): void => {
    if (slowly) setImmediate(go);
    else go();
  };
  const input = new Input(limits, systemClock, {
    badLine: (reply, resume) => {
      seen.push(`bad ${format(reply).slice(0, 9)}`);
      later(resume);
    },
    cut: (reply) => seen.push(`cut ${format(reply)}`),
  });
  input.oncommand = (command, resume = () => undefined) => {
    seen.push(`command ${command.toString("latin1")}`);
    if (command.toString() === "DATA") {
      let octets = "";
      const message = input.startDataMode();
      message.on("data", (piece: Buffer) => (octets += piece.toString("latin1")));
      message.on("end", () => {
        seen.push(`message ${input.fault ?? JSON.stringify(octets)}`);
        later(() => input.continue());
      });
    }
    later(resume);
  };
  const bounds = [0, ...[...cuts].sort((a, b) => a - b).map((cut) => Math.min(cut, stream.length)), stream.length];
  for (const [i, from] of bounds.slice(0, -1).entries())
    input.write(Buffer.from(stream.slice(from, bounds[i + 1]), "latin1"));
  let before = -1;
  for (let quiet = 0; quiet < 5; quiet = seen.length === before ? quiet + 1 : 0) {
    before = seen.length;
    await new Promise((resolve) => setImmediate(resolve));
  }
  input.destroy();
  return seen;
}

test("commands and messages are the same wherever the stream is cut, and however long an answer takes", async () => {
  const piece = fc.constantFrom(
    "DATA\r\n",
    "NOOP\r\n",
    ".\r\n",
    "\r\n.\r\n",
    "a",
    ".",
    "\r",
    "\n",
    "\r\n",
    "RSET\n",
    "\0",
  );
  const cuts = fc.array(fc.nat(80), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 16 }), cuts, fc.boolean(), async (pieces, where, slowly) => {
      const stream = pieces.join("");
      const whole = await session(stream, [], false);
      const parts = await session(stream, where, slowly);
      assert.deepEqual(parts, whole);
    }),
    { numRuns: 600, interruptAfterTimeLimit: 2500 },
  );
});

test("what comes behind the final dot is not read before the reply has been sent", async () => {
  const seen: string[] = [];
  const input = new Input(limits, systemClock, { badLine: () => undefined, cut: () => undefined });
  input.oncommand = (command, resume = () => undefined) => {
    seen.push(command.toString());
    if (seen.length === 1) input.startDataMode().resume();
    resume();
  };
  input.write(Buffer.from("DATA\r\nmessage\r\n.\r\nNOOP\r\nRSET\r\n"));
  input.write(Buffer.from("QUIT\r\n"));
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(seen, ["DATA"]);
  assert.ok(input.pending > 0);
  assert.ok(input.waitsForUs);
  input.continue();
  assert.deepEqual(seen, ["DATA", "NOOP", "RSET", "QUIT"]);
  assert.equal(input.pending, 0);
});

test("a closed input runs nothing any more: what was sent in the clear behind STARTTLS", () => {
  const seen: string[] = [];
  const input = new Input(limits, systemClock, { badLine: () => undefined, cut: () => undefined });
  input.oncommand = (command, resume = () => undefined) => {
    seen.push(command.toString());
    input.isClosed = true;
    resume();
  };
  input.write(Buffer.from("STARTTLS\r\nMAIL FROM:<evil@client.example>\r\n"));
  input.write(Buffer.from("RCPT TO:<b@site.example>\r\n"));
  assert.deepEqual(seen, ["STARTTLS"]);
});

test("ten thousand pipelined commands neither grow the stack nor hold up others", async () => {
  let count = 0;
  let others = 0;
  const input = new Input(limits, systemClock, { badLine: () => undefined, cut: () => undefined });
  input.oncommand = (_command, resume = () => undefined) => {
    count += 1;
    resume();
  };
  const tick = (): void => {
    others += 1;
    if (count < 10_000) setImmediate(tick);
  };
  setImmediate(tick);
  input.write(Buffer.from("NOOP\r\n".repeat(10_000)));
  while (count < 10_000) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(others > 50);
});
