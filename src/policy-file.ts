/** Reads the policy file, checks it and says where each mistake is. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { GatewayError } from "./core/errors.ts";
import { defaultPolicy } from "./decide/default-policy.ts";
import { type Policy, policySchema } from "./decide/policy.ts";
import { policyComplaints } from "./decide/policy-check.ts";
import { type Checked, checkYaml } from "./yaml/check.ts";
import { refuse } from "./yaml/refuse.ts";

/** `file` is only for words: of problems, and of verdicts. */
export function checkPolicy(text: string, file: string): Checked<Policy> {
  const checked = checkYaml(text, file, policySchema, (value) => policyComplaints(value.rules));
  if (!checked.ok) return checked;
  const version = createHash("sha256").update(text).digest("hex").slice(0, 12);
  const lines = checked.value.rules;
  const places = lines.map((_, index) => ({ file, line: checked.where(["rules", index])?.line ?? 0 }));
  return { ...checked, value: Object.freeze({ version, lines, places }) };
}

/** Throws POLICY_INVALID if the file cannot be read. */
export const checkPolicyFile = (file: string): Checked<Policy> => checkPolicy(readText(file), file);

/** Without a file: the built-in policy. Throws POLICY_INVALID, naming file, line, column and key. */
export function loadPolicy(file: string | undefined): Policy {
  const checked = file === undefined ? checkPolicy(defaultPolicy, "built-in policy") : checkPolicyFile(file);
  return checked.ok ? checked.value : refuse("POLICY_INVALID", checked.problems);
}

function readText(file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    throw new GatewayError("POLICY_INVALID", { file }, error);
  }
}
