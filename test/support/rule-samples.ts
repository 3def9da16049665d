/** Reads `<rule>.test.yaml`: the samples that a rule must match, and the look-alikes that it must not. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { checkYaml, showProblem } from "../../src/yaml/check.ts";
import { ruleExternals } from "../../workers/inspectors/yara.ts";
import { sampleBytes } from "./attachment-fixtures.ts";
import { attachment } from "./part.ts";

const forms = ["file", "text", "utf16", "base64", "hex"] as const;

const content = {
  /** "<folder>/<name>" below fixtures/attachments */
  file: z.string().optional(),
  /** Stored as UTF-8. */
  text: z.string().optional(),
  /** Stored as UTF-16, little endian, without a mark. */
  utf16: z.string().optional(),
  base64: z.base64().optional(),
  /** Blanks are for the eye. */
  hex: z
    .string()
    .regex(/^(?:\s*[\da-f]{2})*\s*$/i)
    .optional(),
  repeat: z.int().min(2).optional(),
};

const pieceSchema = z.strictObject(content);

const sampleSchema = z.strictObject({
  why: z.string().min(10),
  ...content,
  /** One after the other. */
  pieces: z.array(pieceSchema).min(1).optional(),
  filename: z.string().default(""),
  filetype: z.string().optional(),
  role: z.enum(["message", "body", "attachment", "attached-message", "member", "artefact"]).default("attachment"),
  depth: z.int().min(0).default(0),
});

const fileSchema = z.strictObject({
  match: z.array(sampleSchema).min(1),
  no_match: z.array(sampleSchema).min(1),
});

type Piece = z.output<typeof pieceSchema>;
export type RuleSample = z.output<typeof sampleSchema>;
export type RuleSamples = z.output<typeof fileSchema>;

/** Throws with the place of the first mistake. */
export function readSamples(path: string): RuleSamples {
  const checked = checkYaml(readFileSync(path, "utf8"), path, fileSchema);
  if (!checked.ok) throw new Error(checked.problems.map(showProblem).join("\n"));
  return checked.value;
}

function once({ file, text, utf16, base64, hex }: Piece): Buffer {
  if (file !== undefined) return sampleBytes(file);
  if (text !== undefined) return Buffer.from(text);
  if (utf16 !== undefined) return Buffer.from(utf16, "utf16le");
  if (base64 !== undefined) return Buffer.from(base64, "base64");
  return Buffer.from((hex ?? "").replaceAll(/\s/g, ""), "hex");
}

function pieceBytes(piece: Piece): Buffer {
  const stated = forms.filter((form) => piece[form] !== undefined);
  if (stated.length !== 1) throw new Error(`a sample states one of ${forms.join(", ")}: ${JSON.stringify(piece)}`);
  return Buffer.concat(Array.from({ length: piece.repeat ?? 1 }, () => once(piece)));
}

export const ruleSampleBytes = ({ pieces, ...sample }: RuleSample): Buffer =>
  pieces ? Buffer.concat(pieces.map(pieceBytes)) : pieceBytes(sample);

/** The variables as the gateway would set them for an attachment of that name. */
export function sampleExternals({ filename, filetype, role, depth }: RuleSample, bytes: Buffer) {
  const path = depth === 0 ? "1.2" : `1.2${"/1".repeat(depth)}`;
  const part = attachment(bytes, { path, role, names: [filename] });
  return { ...ruleExternals(part, bytes, filename, {}), ...(filetype !== undefined && { filetype }) };
}
