/** Asks YARA-X not to warn: in WASM it writes all warnings of all rules anew at each scan, 40 µs each. */
import { declaredRules } from "../../src/rulepacks/tokens.ts";

/** Every warning of YARA-X 1.20; one that is missing here costs time, nothing else. */
const warnings = [
  "ambiguous_expr",
  "bool_int_comparison",
  "consecutive_jumps",
  "deprecated_field",
  "duplicate_import",
  "duplicate_pattern_value",
  "global_rule_misuse",
  "ignored_rule",
  "invalid_metadata",
  "invalid_rule_name",
  "invalid_tag",
  "invariant_expr",
  "missing_metadata",
  "non_bool_expr",
  "potentially_slow_loop",
  "redundant_modifier",
  "slow_pattern",
  "text_as_hex",
  "too_many_iterations",
  "unintended_pattern_in_set",
  "unknown_tag",
  "unsatisfiable_expr",
  "unsupported_module",
  "unused_identifier",
];
/** On a line of its own: a comment within a line speaks of what stands before it. */
const comment = `\n// suppress: ${warnings.join(", ")}\n`;

/** The same rules on other lines, each under a comment that keeps YARA-X silent about it. */
export function annotate(text: string): string {
  let from = 0;
  const pieces: string[] = [];
  for (const rule of declaredRules(text)) {
    pieces.push(text.slice(from, rule.from), comment);
    from = rule.from;
  }
  return [...pieces, text.slice(from)].join("");
}
