/** What a long command says of itself, to people, programs and files. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Progress, type ProgressOptions } from "../../../src/cli/progress.ts";

function told(form: ProgressOptions["form"]): readonly string[] {
  const lines: string[] = [];
  let now = 0;
  const err = { write: (text: string) => lines.push(text) };
  const progress = new Progress({ what: "messages", total: 400_000, err, form, now: () => now });
  for (let done = 0; done <= 60_000; done += 100) {
    now += 100;
    progress.at(done);
  }
  progress.end();
  return lines;
}

test("a file gets a line each ten seconds, with rate and what is left", () => {
  const lines = told("text");
  assert.equal(lines.length, 6);
  assert.equal(lines.at(-1), "59900 of 400000 messages, 998 a second, 5 min left\n");
});

test("a program gets an object a line", () => {
  const lines = told("json");
  assert.equal(lines.length, 60);
  assert.deepEqual(JSON.parse(lines.at(-1) ?? ""), {
    done: 59_900,
    total: 400_000,
    per_second: 998,
    seconds_left: 341,
  });
});

test("a terminal gets one line that is written over, and is left empty", () => {
  const lines = told("line");
  assert.ok(lines.length > 200 && lines.every((line) => line.startsWith("\r\u001b[2K") && !line.includes("\n")));
  assert.equal(lines.at(-1), "\r\u001b[2K");
});
