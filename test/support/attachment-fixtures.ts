/** The stored attachments with what an examination of them says. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { PartReport } from "../../src/core/outcome.ts";
import { createExaminer, type Examiner } from "../../workers/examine.ts";
import { encryptionInspector } from "../../workers/inspectors/encryption.ts";
import { fileTypeInspector } from "../../workers/inspectors/file-type.ts";
import { nameInspector } from "../../workers/inspectors/name.ts";
import { attachment, generousLimits } from "./part.ts";

const folder = new URL("../../fixtures/attachments/", import.meta.url).pathname;

/** Without an ending. */
export const sampleFile = (at: string): string => `${folder}${at}`;
export const sampleNames = (): readonly string[] =>
  globSync("*/*.b64", { cwd: folder })
    .map((file) => file.replace(/(?:\.gz)?\.b64$/, ""))
    .sort();
/** What is large and mostly zeros is stored in gzip. */
export function sampleBytes(at: string): Buffer {
  const file = sampleFile(at);
  return existsSync(`${file}.gz.b64`)
    ? gunzipSync(Buffer.from(readFileSync(`${file}.gz.b64`, "latin1"), "base64"))
    : Buffer.from(readFileSync(`${file}.b64`, "latin1"), "base64");
}

let shared: Promise<Examiner> | null = null;
/** With all inspectors but the matcher of rules; libmagic takes its time to load, so there is one for all tests of a file. */
export const examiner = (): Promise<Examiner> =>
  (shared ??= createExaminer([fileTypeInspector, nameInspector, encryptionInspector]));

export interface Given {
  readonly names: readonly string[];
  readonly declaredTypes: readonly string[];
}

/** What a golden file holds: input claims, then what must come out. */
export interface Golden {
  readonly given: Given;
  readonly types: readonly string[];
  readonly members: readonly {
    readonly path: string;
    readonly names: readonly string[];
    readonly types: readonly string[];
    readonly size: number;
  }[];
  readonly findings: readonly string[];
  readonly incomplete: readonly string[];
}

export const findingsOf = ({ outcomes }: PartReport): readonly string[] =>
  outcomes
    .flatMap((outcome) => (outcome.kind === "found" ? outcome.findings : []))
    .map(({ part, severity, rule }) => `${part} ${severity} ${rule}`.trimStart());

export const incompleteOf = ({ outcomes }: PartReport): readonly string[] =>
  outcomes.flatMap((outcome) =>
    outcome.kind === "incomplete" ? [`${outcome.part} ${outcome.inspector} ${outcome.why}`.trimStart()] : [],
  );

export async function goldenOf(bytes: Buffer, given: Given): Promise<Golden> {
  const { examine } = await examiner();
  const report = await examine(attachment(bytes, given), bytes, {}, generousLimits);
  return {
    given,
    types: report.types,
    members: report.members.map(({ path, names, types, size }) => ({ path, names, types, size })),
    findings: findingsOf(report),
    incomplete: incompleteOf(report),
  };
}
