/** Scripts of any language: programs and further scripts that they carry encoded. */
import { inUtf8 } from "../formats/script/codings.ts";
import { transcribed } from "../identify/text.ts";
import { typeInfo } from "../identify/types.ts";
import { artefact } from "./artefacts.ts";
import type { Extractor } from "./extractor.ts";
import { carriedFiles } from "./markup.ts";
import { Unravel } from "./unravel.ts";

export const scriptRules = {
  "script.encoded-file": "The script carries a program or an archive in pieces of text",
  "script.encoded-script": "The script holds another script or command, encoded",
} as const;

const others = new Set([
  "application/hta",
  "application/vnd.ms-htmlhelp",
  "application/winhlp",
  "application/x-shockwave-flash",
]);

export const scriptExtractor: Extractor = {
  name: "script",
  version: "1",
  wants: ({ types, role }) =>
    role !== "body" && types.some((type) => typeInfo(type).kind === "script" && !others.has(type)),
  *extract(_part, bytes, budget) {
    const raw = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const wide = transcribed(raw);
    const text = (wide ?? raw).toString("latin1");
    const unravel = new Unravel((count) => budget.spend({ bytes: count }));
    unravel.links(text);
    unravel.script(text);
    yield* carriedFiles(unravel.files, [], budget);
    if (unravel.files.some(({ isActive }) => isActive))
      yield { rule: "script.encoded-file", severity: "high", text: scriptRules["script.encoded-file"] };
    if (unravel.texts.length + unravel.commands.length > 0)
      yield { rule: "script.encoded-script", severity: "medium", text: scriptRules["script.encoded-script"] };
    yield* artefact("script", unravel.texts.map(inUtf8), budget);
    yield* artefact("commands", unravel.commands, budget);
  },
};
