/** The policies of fixtures/policies give the verdicts that stand beside them. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Group } from "../../../src/core/verdict.ts";
import { decide } from "../../../src/decide/decide.ts";
import { loadPolicy } from "../../../src/policy-file.ts";
import { judgement, type MadeMessage, noLists, routes } from "../../support/judgement.ts";

const folder = join(import.meta.dirname, "../../../fixtures/policies");

interface Case {
  readonly why: string;
  readonly message: MadeMessage;
  /** By recipient: disposition, tags if any, line. */
  readonly verdict: Readonly<Record<string, string>>;
}

function brief({ disposition, policyLine }: Group): string {
  const tags = disposition.kind === "forward" ? disposition.tags.join(",") : "";
  return [disposition.kind, tags, policyLine].filter((word) => word !== "").join(" ");
}

const policies = readdirSync(folder).filter((file) => file.endsWith(".yaml"));

test("there are policies to try", () => assert.ok(policies.length >= 4));

for (const file of policies) {
  const policy = loadPolicy(join(folder, file));
  const cases = JSON.parse(readFileSync(join(folder, file.replace(".yaml", ".verdicts.json")), "utf8")) as Case[];
  for (const { why, message, verdict } of cases)
    test(`${file}: ${why}`, () => {
      const made = decide(...judgement(message), policy, noLists, routes);
      const found = made.groups.flatMap((group) => group.forwardPaths.map((path) => [path, brief(group)] as const));
      assert.deepEqual(Object.fromEntries(found), verdict);
    });
}
