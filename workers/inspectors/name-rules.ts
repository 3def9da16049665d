/** What a name alone can give away: one row per rule with its sentence, and the grades that it can have. */
import type { Severity } from "../../src/core/outcome.ts";

export const nameRules = {
  "name.dangerous-extension": "The name ends as those of programs, scripts or disk images do",
  "name.double-extension": "The name shows the extension of a document in front of one that acts",
  "name.padded-extension": "Blanks push the extension out of sight",
  "name.direction": "Characters turn the direction of writing, so that the name is not read as it is",
  "name.invisible": "The name holds characters that cannot be seen",
  "name.trailing": "The name ends with dots or blanks, which some systems drop",
  "name.full-width": "The extension is written in full-width letters",
  "name.control-character": "The name holds control characters",
  "name.path": "The name leads to another folder",
  "name.class-id": "The name ends with a class id, which Windows takes for an extension",
  "name.long": "The name is longer than file systems allow",
  "name.conflict": "The part has several names with extensions of different kinds",
} as const;

export type NameRule = keyof typeof nameRules;

export interface NameFinding {
  readonly rule: NameRule;
  readonly severity: Severity;
  /** The name that gave rise to it, or several. */
  readonly names: readonly string[];
}
