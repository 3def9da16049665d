/** Says in words for people what a schema has against a value. */
import type { z } from "zod";
import { nearest } from "../core/nearest.ts";

type Issue = z.core.$ZodIssue;

/** Of a union, the complaint of the option that was most likely meant: one that looked inside the value, or else the first that did not stop at its kind. */
export function flatten(issue: Issue): readonly Issue[] {
  if (issue.code !== "invalid_union" || issue.errors.length === 0) return [issue];
  const stopped = (one: Issue | undefined): boolean => one?.code === "invalid_type" && one.path.length === 0;
  const inside = issue.errors.find((errors) => errors.length > 0 && errors.every((one) => one.path.length > 0));
  const meant = inside ?? issue.errors.find((errors) => !stopped(errors[0])) ?? issue.errors[0] ?? [];
  return meant.flatMap((inner) => flatten({ ...inner, path: [...issue.path, ...inner.path] }));
}

const kinds: Readonly<Record<string, string>> = {
  string: "text",
  object: "a mapping",
  array: "a list",
  boolean: "true or false",
  number: "a number",
  int: "a whole number",
};

/** The allowed words, if there is a closed list of them. */
function options(issue: Issue): readonly string[] | null {
  if (issue.code === "invalid_value") return issue.values.map(String);
  const listed = issue.code === "invalid_union" && "options" in issue ? issue.options : null;
  return Array.isArray(listed) ? listed.map(String) : null;
}

function requirement(issue: Issue, value: unknown): string {
  const list = options(issue);
  if (list) {
    const meant = typeof value === "string" ? nearest(value, list) : null;
    return `must be ${list.length === 1 ? "" : "one of "}${list.join(", ")}${meant ? `; did you mean ${meant}?` : ""}`;
  }
  if (issue.code === "too_small")
    return issue.origin === "array" ? "must not be empty" : `must be at least ${issue.minimum}`;
  if (issue.code === "too_big")
    return `must be at most ${issue.maximum}${issue.origin === "string" ? " characters long" : ""}`;
  // Messages that the schema gives itself say more than the kind of value.
  if (issue.code === "invalid_type" && issue.message.startsWith("Invalid input"))
    return `must be ${kinds[issue.expected] ?? issue.expected}`;
  return issue.message;
}

/** What is wrong with `value`, without the name of its key. */
export function words(issue: Issue, written: boolean, value: unknown): string {
  const required = requirement(issue, value);
  if (!written) return `is missing; it ${required}`;
  return value === null ? `is empty; it ${required}` : required;
}
