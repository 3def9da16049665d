/** What a type, set against name and declaration, can give away: one row per rule with its sentence. */

export const typeRules = {
  "type.executable": "The content is a program",
  "type.executable-disguised": "The content is a program, but the name or the declared type says otherwise",
  "type.script": "The content is a script",
  "type.shortcut": "The content is a shortcut, which starts or fetches something else",
  "type.disk-image": "The content is a disk image, whose files escape the marks of the internet",
  "type.macro-document": "The document holds macros",
  "type.polyglot": "The content is several things at once, each to its own reader",
  "type.mismatch": "The content is not what the name or the declared type says",
} as const;

export type TypeRule = keyof typeof typeRules;
