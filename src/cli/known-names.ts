/** What a policy may name: the parts of the program that report, and the ids of all rules that can be in a finding. */
import { nameRules } from "../../workers/inspectors/name-rules.ts";
import { lnkRules } from "../../workers/extractors/lnk.ts";
import { markupRules } from "../../workers/extractors/markup.ts";
import { pdfRules } from "../../workers/extractors/pdf-rules.ts";
import { scriptRules } from "../../workers/extractors/script.ts";
import { shortcutRules } from "../../workers/extractors/shortcut.ts";
import { typeRules } from "../../workers/inspectors/type-rules.ts";
import { loadRulePacks } from "../rulepacks/load.ts";
import { declaredRules } from "../rulepacks/tokens.ts";

/** Everything that signs an outcome: inspectors, what opens containers, and the steps between them. */
export const inspectorNames: readonly string[] = [
  ...["name", "type", "encryption", "yara", "message", "lists"],
  ...[
    "7-zip",
    "access",
    "activemime",
    "binhex",
    "brotli",
    "calendar",
    "cms",
    "eml",
    "embedded",
    "gzip",
    "lnk",
    "lzh",
    "lzip",
  ],
  ...["mac-files", "markup", "mbox", "msg", "office-flat", "office-sealed", "ole", "onenote", "pdf", "rtf", "script"],
  ...["shortcut", "tar", "tnef", "uuencode", "volume", "workbook", "yenc", "zip"],
  ...["decide", "dissect", "examine", "identify", "inspect", "sandbox"],
];

const dissectRules = [
  ...["base64-junk", "base64-restarts", "broken-escapes", "broken-header"],
  ...["broken-multipart", "broken-type", "conflicting-boundary", "conflicting-encoding"],
  ...["conflicting-name", "conflicting-type", "encoded-multipart", "external-body"],
  ...["guessed-boundary", "hidden-field", "hidden-part", "message-partial"],
  ...["multipart-in-leaf", "odd-boundary", "odd-delimiter", "odd-encoding"],
  ...["parts-after-end", "unclosed-multipart", "unclosed-uuencode", "undeclared-encoding"],
  ...["unknown-encoding"],
];

/** Of our own checks. */
export const builtInRules: readonly string[] = [
  ...Object.keys(nameRules),
  ...Object.keys(typeRules),
  ...[lnkRules, markupRules, pdfRules, scriptRules, shortcutRules].flatMap(Object.keys),
  ...dissectRules.map((rule) => `dissect.${rule}`),
  ...["archive.contradiction", "archive.trailing", "gzip.trailing", "lzh.contradiction", "lzh.trailing"],
  ...["mac.trailing", "msg.stray-attachment", "password.opened", "tnef.wrong-checksum"],
  ...["message.lone-program", "tar.contradiction", "tar.trailing", "zip.contradiction"],
];

/** A policy may speak of them, but nobody can disable them: an entry of a list is removed instead. */
export const listRules: readonly string[] = ["lists.block-hash", "lists.block-sender", "lists.block-recipient"];

/** Of the active packs, as "pack.rule"; private rules are in no finding. Throws RULES_UNREADABLE. */
export async function packRules(folders: readonly string[]): Promise<readonly string[]> {
  const { sources } = await loadRulePacks(folders);
  return sources.flatMap(({ pack, text }) =>
    declaredRules(text)
      .filter(({ from, at }) => !/\bprivate\b/.test(text.slice(from, at)))
      .map(({ name }) => `${pack}.${name}`),
  );
}
