/** Small text files that start or fetch something when opened: their commands and addresses, one a line. [MS-URL], [MS-RDPELE], desktop-entry 1.5, property lists */
import { transcribed } from "../identify/text.ts";
import { artefact } from "./artefacts.ts";
import type { Extractor, Odd } from "./extractor.ts";

export const shortcutRules = {
  "shortcut.command": "The shortcut runs a command",
  "shortcut.remote": "The shortcut leads to a file or folder of another machine",
} as const;

interface Kind {
  /** What in the text is an address, and what is a command; the first group is it. */
  readonly urls: RegExp;
  readonly commands: RegExp;
}

const nothing = /(?!)/g;
const xmlUrl =
  /<(?:url|domain|simpleLocation|iconReference|path|location|string|folderType)\b[^<>]{0,200}>\s{0,20}([^<>]{1,2000})</gi;

const kinds: Readonly<Record<string, Kind>> = {
  "application/x-mswinurl": {
    urls: /^[ \t]{0,9}(?:URL|BASEURL|IconFile|OrigURL)[ \t]{0,9}=[ \t]{0,9}(.{1,2000})$/gim,
    commands: /^[ \t]{0,9}WorkingDirectory[ \t]{0,9}=[ \t]{0,9}(.{1,2000})$/gim,
  },
  "application/x-desktop": {
    urls: /^URL(?:\[\$e\])?[ \t]{0,9}=[ \t]{0,9}(.{1,2000})$/gim,
    commands: /^(?:Exec|TryExec)[ \t]{0,9}=[ \t]{0,9}(.{1,4000})$/gim,
  },
  "application/x-webloc": {
    urls: /<string>\s{0,20}([^<>]{1,2000})<|(\b(?:https?|file|smb|ftp|afp):[\x21-\x7e]{3,2000})/gi,
    commands: nothing,
  },
  "application/x-ms-iqy": { urls: /^((?:https?|ftp|file):.{1,2000})$/gim, commands: nothing },
  "application/x-rdp": {
    urls: /^(?:alternate )?(?:full address|gatewayhostname|drivestoredirect|workspace id)[ \t]{0,9}:s:(.{1,2000})$/gim,
    commands:
      /^(?:alternate shell|remoteapplicationprogram|remoteapplicationcmdline|shell working directory):s:(.{1,2000})$/gim,
  },
  "application/x-ms-settingcontent": {
    urls: nothing,
    commands: /<(?:\w{1,20}:)?(?:DeepLink|Icon|File|PolicyIds)>\s{0,20}([^<>]{1,4000})</gi,
  },
  "application/windows-library+xml": { urls: xmlUrl, commands: nothing },
  "application/windows-search-connector+xml": { urls: xmlUrl, commands: nothing },
  "application/x-ms-scf": {
    urls: /^IconFile[ \t]{0,9}=[ \t]{0,9}(.{1,2000})$/gim,
    commands: /^Command[ \t]{0,9}=[ \t]{0,9}(.{1,2000})$/gim,
  },
  "application/x-autorun": {
    urls: /^icon[ \t]{0,9}=[ \t]{0,9}(.{1,2000})$/gim,
    commands: /^(?:open|shellexecute|shell\\.{1,60}\\command)[ \t]{0,9}=[ \t]{0,9}(.{1,2000})$/gim,
  },
  "application/x-ms-theme": {
    urls: /=[ \t]{0,9}(\\\\[^\r\n]{1,2000}|(?:https?|file):[^\r\n]{1,2000})$/gim,
    commands: /^SCRNSAVE\.EXE[ \t]{0,9}=[ \t]{0,9}(.{1,2000})$/gim,
  },
  "application/x-ms-application": {
    urls: /\b(?:codebase|codebaseUrl|deploymentProvider codebase)="([^"]{1,2000})"/gi,
    commands: /<commandLine\b[^<>]{0,200}file="([^"]{1,2000})"/gi,
  },
  "application/x-ms-udl": {
    urls: /(?:Data Source|Initial Catalog)[ \t]{0,9}=[ \t]{0,9}([^;\r\n]{1,2000})/gi,
    commands: nothing,
  },
  // Formulas that call programs (EXEC, CALL), and links to them over DDE. Semicolons are written twice.
  "text/x-sylk": {
    urls: /((?:https?|ftp):[^\s";]{3,2000})/gi,
    commands: /^[A-Z;\d]{0,400};E([^\r\n]{0,200}(?:EXEC|CALL|REGISTER|RUN|\|)[^\r\n]{1,2000})$/gm,
  },
};

const machines = /^\s*(?:\\\\|\/\/|smb:|file:\/\/(?!\/|localhost)|search-ms:)|@ssl|davwwwroot/i;
const harmlessCommand = /^\s*$/;

const entity: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };
const plainText = (text: string): string =>
  text.replace(/&(lt|gt|amp|quot|apos);/g, (_whole, name: string) => entity[name] ?? "").trim();

function all(text: string, pattern: RegExp): string[] {
  const found = [...text.matchAll(pattern)].map(([, first, second]) => plainText(first ?? second ?? ""));
  return [...new Set(found)].filter((one) => !harmlessCommand.test(one));
}

function* judge(urls: readonly string[], commands: readonly string[]): Generator<Odd> {
  const shown = (texts: readonly string[]) => texts.slice(0, 2).join("; ").slice(0, 160);
  if (commands.length > 0)
    yield {
      rule: "shortcut.command",
      severity: "high",
      text: `${shortcutRules["shortcut.command"]} (${shown(commands)})`,
    };
  const far = urls.filter((url) => machines.test(url));
  if (far.length > 0)
    yield { rule: "shortcut.remote", severity: "high", text: `${shortcutRules["shortcut.remote"]} (${shown(far)})` };
}

export const shortcutExtractor: Extractor = {
  name: "shortcut",
  version: "1",
  wants: ({ types }) => types.some((type) => type in kinds),
  *extract({ types }, bytes, budget) {
    const raw = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const text = (transcribed(raw) ?? raw).toString("utf8").replaceAll("\r", "");
    const found = types.flatMap((type) => kinds[type] ?? []);
    const urls = found.flatMap((kind) => all(text, kind.urls));
    const commands = found.flatMap((kind) => all(text, kind.commands));
    yield* judge(urls, commands);
    yield* artefact("urls", urls, budget);
    yield* artefact("commands", commands, budget);
  },
};
