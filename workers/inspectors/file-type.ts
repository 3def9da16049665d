/** Sets what the octets are against what their name and declared type claim. */
import type { Part } from "../../src/core/message.ts";
import type { Finding, Severity } from "../../src/core/outcome.ts";
import { canonical } from "../identify/type-aliases.ts";
import {
  basicLibrary,
  empty,
  isKnown,
  type Kind,
  kindsOfExtension,
  macroSheet,
  mimeArchive,
  octets,
  type TypeInfo,
  typeInfo,
  vbaProject,
} from "../identify/types.ts";
import { isZipType } from "../identify/zip-family.ts";
import type { Inspector } from "./inspector.ts";
import { quote, readName } from "./read-name.ts";
import { type TypeRule, typeRules } from "./type-rules.ts";

/** What the sender says that it is. */
interface Claims {
  readonly extensions: readonly string[];
  /** Of extensions that are known. */
  readonly byName: ReadonlySet<Kind>;
  readonly byType: ReadonlySet<Kind>;
  readonly shown: string;
}

interface Verdict {
  readonly rule: TypeRule;
  readonly severity: Severity;
  readonly detail: string;
}

interface Case {
  readonly part: Part;
  readonly claims: Claims;
  /** All but the traits. */
  readonly types: readonly string[];
  readonly infos: readonly TypeInfo[];
}

const inert: readonly Kind[] = ["document", "image", "media", "text", "markup", "message", "archive"];
const readable: readonly Kind[] = ["text", "markup", "message"];

const meets = (kinds: ReadonlySet<Kind>, wanted: readonly Kind[]): boolean => wanted.some((kind) => kinds.has(kind));

function claimsOf({ names, declaredTypes }: Part): Claims {
  const extensions = [...new Set(names.map((name) => readName(name).extension))].filter(
    (extension) => extension !== "",
  );
  const declared = declaredTypes
    .map(canonical)
    .filter((type) => type !== octets && (isKnown(type) || /^(?:image|audio|video|text)\//.test(type)));
  const [name] = names;
  return {
    extensions,
    byName: new Set(extensions.flatMap((extension) => [...kindsOfExtension(extension)])),
    byType: new Set(declared.map((type) => typeInfo(type).kind)),
    shown: [name === undefined ? "no name" : quote(name), ...declaredTypes.slice(0, 2)].join(", "),
  };
}

/** Opened by its extension, such a thing is read and not run. */
function isReadOnly({ byName, byType }: Claims): boolean {
  if (byName.size > 0) return meets(byName, readable) && !meets(byName, ["script", "executable", "shortcut"]);
  return meets(byType, readable);
}

function executable({ claims, types, infos }: Case): Verdict[] {
  const index = infos.findIndex(({ kind }) => kind === "executable");
  const [type, info] = [types[index], infos[index]];
  if (type === undefined || !info) return [];
  const isHonest = claims.extensions.some((extension) => info.extensions.includes(extension));
  // A zip with classes in it runs only under its own extension.
  if (isZipType(type) && !isHonest && claims.byName.has("archive")) return [];
  const lies =
    meets(
      claims.byType,
      inert.filter((kind) => kind !== "archive"),
    ) ||
    (!isHonest && meets(claims.byName, inert));
  return [
    lies
      ? { rule: "type.executable-disguised", severity: "critical", detail: info.label }
      : { rule: "type.executable", severity: "high", detail: info.label },
  ];
}

function acting(kind: "script" | "shortcut") {
  return ({ claims, infos }: Case): Verdict[] => {
    const info = infos.find((one) => one.kind === kind);
    if (!info) return [];
    return [
      { rule: `type.${kind}`, severity: isReadOnly(claims) ? "info" : (info.severity ?? "high"), detail: info.label },
    ];
  };
}

const diskImage = ({ infos }: Case): Verdict[] => {
  const info = infos.find(({ kind }) => kind === "disk-image");
  return info ? [{ rule: "type.disk-image", severity: "medium", detail: info.label }] : [];
};

const macroFree = /^(?:docx|dotx|xlsx|xltx|pptx|potx|ppsx|odt|ods|odp|rtf|pdf|txt|csv)$/;

function macros({ part, claims, infos }: Case): Verdict[] {
  const traits = part.types.filter((type) => type === vbaProject || type === macroSheet || type === basicLibrary);
  if (traits.length === 0) return [];
  const isHidden = claims.extensions.some((extension) => macroFree.test(extension));
  const severity = isHidden || traits.includes(macroSheet) ? "high" : "medium";
  const held = traits.map((type) => typeInfo(type).label).join(", ");
  return [{ rule: "type.macro-document", severity, detail: `${infos[0]?.label ?? "document"}, ${held}` }];
}

function polyglot({ types, infos }: Case): Verdict[] {
  const kinds = new Set(infos.map(({ kind }) => kind));
  // Archives that unpack themselves are programs with an archive behind them.
  const isSelfExtracting = infos[0]?.kind === "executable" && kinds.size === 2 && kinds.has("archive");
  if (kinds.size < 2 || isSelfExtracting) return [];
  // Word runs the macros of a web archive that begins as a PDF.
  const acts = meets(kinds, ["executable", "script", "archive", "disk-image"]) || types.includes(mimeArchive);
  const severity = acts ? "high" : "medium";
  return [{ rule: "type.polyglot", severity, detail: infos.map(({ label }) => label).join(" and ") }];
}

/** How grave it is to find the second where the first is claimed; pairs that ordinary mail has are not here. */
const mismatches: Partial<Record<Kind, Partial<Record<Kind, Severity>>>> = {
  document: {
    archive: "medium",
    image: "low",
    media: "low",
    markup: "low",
    text: "info",
    message: "info",
    data: "low",
  },
  image: {
    archive: "medium",
    document: "medium",
    markup: "medium",
    media: "low",
    text: "low",
    message: "low",
    data: "low",
  },
  media: { archive: "medium", document: "medium", markup: "medium", text: "low", image: "low" },
  archive: { image: "low", media: "low", markup: "low", text: "info", data: "info", message: "info" },
  text: { archive: "low", document: "low", image: "low", media: "low" },
  markup: { archive: "medium", document: "low", image: "low", media: "low" },
  message: { archive: "low", image: "low", media: "low" },
};

/** Office opens by content what bears one of its old extensions, and people export tables and pages under them. */
const tolerant = /^(?:doc|dot|xls|xlt|ppt|pps|csv|dat|bin|tmp)$/;

/** What is claimed by the first name with an extension that we know, else by the declared types. */
function claimed({ extensions, byType }: Claims): { readonly extension: string; readonly kinds: ReadonlySet<Kind> } {
  const extension = extensions.find((one) => kindsOfExtension(one).size > 0);
  return extension === undefined ? { extension: "", kinds: byType } : { extension, kinds: kindsOfExtension(extension) };
}

/** Macs give them the name of the file inside, which is a member of theirs: the claims are about that one. */
const wrappers = new Set(["application/applefile", "application/x-macbinary"]);

function mismatch({ claims, types, infos }: Case): Verdict[] {
  const [type, info] = [types[0], infos[0]];
  const { extension, kinds } = claimed(claims);
  if (type === undefined || !info || kinds.size === 0 || kinds.has(info.kind)) return [];
  if (infos.some(({ extensions }) => extensions.includes(extension)) || (kinds.has("archive") && isZipType(type)))
    return [];
  const grades = [...kinds].map((kind) => mismatches[kind]?.[info.kind]);
  const [severity] = grades;
  if (severity === undefined || grades.includes(undefined)) return [];
  const isExport = tolerant.test(extension) && readable.includes(info.kind);
  return [{ rule: "type.mismatch", severity: isExport ? "info" : severity, detail: info.label }];
}

const judges = [executable, acting("script"), acting("shortcut"), diskImage, macros, polyglot, mismatch];

export const fileTypeInspector: Inspector = {
  name: "type",
  version: "2",
  wants: ({ role }) => role !== "message" && role !== "attached-message" && role !== "artefact",
  inspect(part) {
    const claims = claimsOf(part);
    const types = part.types.filter((type) => type !== empty && !wrappers.has(type) && typeInfo(type).kind !== "trait");
    const infos = types.map(typeInfo);
    const findings = judges
      .flatMap((judge) => judge({ part, claims, types, infos }))
      .map(
        ({ rule, severity, detail }): Finding => ({
          part: part.path,
          inspector: "type",
          rule,
          severity,
          tags: rule === "type.executable-disguised" ? ["masquerade"] : [],
          text: `${typeRules[rule]} (${detail}; ${claims.shown})`.slice(0, 300),
        }),
      );
    return findings.length > 0
      ? { part: part.path, inspector: "type", kind: "found", findings }
      : { part: part.path, inspector: "type", kind: "clean" };
  },
};
