/** The catalogue of errors and the page that explains it. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { errorCodes, explain, GatewayError } from "../../../src/core/errors.ts";

const root = `${import.meta.dirname}/../../../`;

/** Code → "yes" or "no", from the tables. */
const documented = new Map(
  [...readFileSync(`${root}docs/errors.md`, "utf8").matchAll(/^\| `([A-Z_]+)` \| (yes|no) \|/gm)].map(
    ([, code = "", temporary = ""]) => [code, temporary] as const,
  ),
);

test("docs/errors.md names every code and no other", () => {
  assert.deepEqual([...documented.keys()].sort(), [...errorCodes].sort());
});

test("docs/errors.md says of each code whether it is temporary", () => {
  const table = new Map(errorCodes.map((code) => [code as string, new GatewayError(code).temporary ? "yes" : "no"]));
  for (const [code, temporary] of documented) assert.equal(temporary, table.get(code), code);
});

test("every code is used somewhere", () => {
  const files = globSync(["src/**/*.ts", "workers/**/*.ts"], { cwd: root, exclude: ["src/core/errors.ts"] });
  const sources = files.map((file) => readFileSync(root + file, "utf8")).join("\n");
  assert.ok(files.length > 100);
  assert.deepEqual(
    errorCodes.filter((code) => !sources.includes(`"${code}"`)),
    [],
  );
});

test("an error explains itself in one line with its detail and its cause", () => {
  const error = new GatewayError("SPOOL_UNWRITABLE", { file: "message.eml" }, new Error("EIO"));
  assert.equal(explain(error), "The spool cannot be written; file: message.eml; EIO");
});
