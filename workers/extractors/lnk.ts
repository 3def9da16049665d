/** Windows shortcuts: target and arguments as text, what is behind their end as a member. [MS-SHLLINK] */
import { encodedCommands } from "../formats/script/codings.ts";
import { readLnk } from "../formats/lnk.ts";
import { artefact } from "./artefacts.ts";
import { type Extractor, Stop } from "./extractor.ts";
import { isPadding } from "./padding.ts";

export const lnkRules = {
  "lnk.arguments": "The shortcut gives its target something to run",
  "lnk.remote-target": "The shortcut leads to another machine",
  "lnk.trailing": "Other data stand behind the end of the shortcut",
} as const;

const interpreters =
  /\b(?:cmd|powershell|pwsh|mshta|wscript|cscript|rundll32|regsvr32|msiexec|certutil|bitsadmin|forfiles|conhost|pcalua|curl|ftp|ssh|wmic|explorer|bash|python\w*)(?:\.exe)?\b/i;
const remote = /\\\\[^\\\s]{1,255}\\|(?:https?|file|ftp|search-ms):/i;
/** More blanks than any person types push the rest out of sight. */
const padded = /\s{40}/;

export const lnkExtractor: Extractor = {
  name: "lnk",
  version: "1",
  wants: ({ types }) => types.includes("application/x-ms-shortcut"),
  *extract(_part, bytes, budget) {
    const raw = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const link = readLnk(raw);
    if (!link) throw new Stop("malformed", "No shortcut begins here");
    const rest = raw.subarray(link.end);
    if (!isPadding(rest)) {
      budget.spend({ members: 1, bytes: rest.length });
      yield { names: [], declaredTypes: [], bytes: rest };
      yield { rule: "lnk.trailing", severity: "high", text: lnkRules["lnk.trailing"] };
    }
    if (link.isCut) yield { names: [], why: "malformed", text: "The shortcut breaks off" };
    const command = [...link.target, link.arguments].join(" ");
    if (link.arguments !== "" && interpreters.test(command))
      yield {
        rule: "lnk.arguments",
        severity: padded.test(link.arguments) ? "critical" : "high",
        text: lnkRules["lnk.arguments"],
      };
    if (remote.test(command))
      yield { rule: "lnk.remote-target", severity: "high", text: lnkRules["lnk.remote-target"] };
    const lines = [
      ["target", link.target.join(" | ")],
      ["arguments", link.arguments.replace(/\s+/g, " ").trim()],
      ["folder", link.folder],
      ["icon", link.icon],
      ["description", link.description],
    ].flatMap(([name, value]) => (value ? [`${name}: ${value}`] : []));
    yield* artefact("commands", [...lines, ...encodedCommands(link.arguments)], budget);
  },
};
