/** A rule pack: a folder of YARA rules with one identity. `pack.yaml` says what it is; without one the folder's name must do. */
import { z } from "zod";
import { severities } from "../core/outcome.ts";
import { checkYaml } from "../yaml/check.ts";

const id = z
  .string()
  .max(64)
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]*$/, "must be letters, digits, `-` and `_`, and begin with a letter or digit");
const text = z.string().max(2_000);

export const packSchema = z.strictObject({
  id: id.describe("First half of a rule's id: `pack.rule`. Stable."),
  version: text.default("").describe("For people."),
  licence: text.default("").describe("SPDX identifier, where there is one."),
  authors: z.array(text).default([]).describe("Who wrote the rules."),
  description: text.default("").describe("One sentence."),
  stage: z.enum(["draft", "active", "retired"]).default("active").describe("Only `active` packs are used."),
  defaults: z
    .strictObject({
      severity: z.enum(severities).optional().describe("Of rules that state neither `severity` nor `score`."),
    })
    .prefault({})
    .describe("What holds where a rule says nothing."),
});

export type Pack = z.output<typeof packSchema>;

export interface PackProblem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** A name that can be an id. */
export const idFrom = (folder: string): string =>
  folder
    .replaceAll(/[^A-Za-z0-9_-]+/g, "-")
    .replace(/^[-_]+/, "")
    .slice(0, 64) || "rules";

export const packFrom = (folder: string): Pack => packSchema.parse({ id: idFrom(folder) });

/** Even a wrong file gives an identity: rules that changed their ids would escape from every policy that names them. */
export function readPack(
  source: string,
  folder: string,
): { readonly pack: Pack; readonly problems: readonly PackProblem[] } {
  const checked = checkYaml(source, "pack.yaml", packSchema);
  if (checked.ok) return { pack: checked.value, problems: [] };
  const problems = checked.problems.map(({ line, column, key, message }) => ({
    line,
    column,
    message: key === "" ? message : `${key}: ${message}`,
  }));
  const stated = id.safeParse(/^id:[ \t]*["']?([\w-]+)/m.exec(source)?.[1]);
  return { pack: packFrom(stated.success ? stated.data : folder), problems };
}
