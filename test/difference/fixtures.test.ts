/** Proof by difference: whatever other programs extract from our messages is among the octets that we inspect. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { messageFixtures } from "../support/message-fixtures.ts";
import { createInspected, unseen } from "./readers/inspected.ts";
import { LongLived, programNames, readByMailparser, readByPostalMime, readByProgram } from "./readers/readers.ts";

/** What a reader makes of a broken message and we do not. May only become shorter. */
const known: Readonly<Record<string, readonly string[]>> = {
  "35-uuencode-unclosed": ["mime-tools"],
  "37-quoted-printable-oddities": ["mime-tools", "ripmime"],
  "65-base64-list-footer": ["mime-tools"],
  "70-bare-cr-in-header": ["ripmime"],
};

const inspect = await createInspected();
const longLived = [
  await LongLived.start("/usr/bin/python3", "readers.py"),
  await LongLived.start("/usr/bin/perl", "readers.pl"),
];
after(() => {
  for (const reader of longLived) reader.stop();
});

test("every reader is there", () => {
  const names = longLived.flatMap((reader) => reader.names);
  for (const name of ["python", "gmime", "camel"])
    assert.ok(
      names.some((each) => each.includes(name)),
      `${name}: ${names}`,
    );
});

for (const { name, bytes } of messageFixtures())
  test(`${name}: what other readers extract has been inspected`, async () => {
    const seen = await inspect(bytes);
    const found = [
      ...(await readByMailparser(bytes).catch(() => [])),
      ...(await readByPostalMime(bytes).catch(() => [])),
      ...programNames.flatMap((program) => readByProgram(program, bytes)),
    ];
    for (const reader of longLived) found.push(...(await reader.read(bytes)));
    const missed = [...new Set(unseen(found, seen).map(({ reader }) => reader))].sort();
    assert.deepEqual(missed, known[name] ?? []);
  });
